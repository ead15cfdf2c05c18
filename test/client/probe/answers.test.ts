import { describe, expect, it } from 'vitest';
import { difference, questionsAbout } from '../../../src/client/probe/answers.js';
import {
  decodeMessage,
  encodeQuery,
  HeaderFlag,
  type Message,
  type ResourceRecord,
} from '../../../src/client/wire/message.js';

/** A record of example.test, with the letter case and TTL that a test gives. */
const record = (data: string, ttl = 60, name = 'example.test.'): ResourceRecord => ({
  owner: Buffer.from('\x07example\x04test\0', 'latin1'),
  name,
  type: 16,
  class: 1,
  ttl,
  rdata: Buffer.from(data),
  data,
});

function message(answers: readonly ResourceRecord[], more: Partial<Message> = {}): Message {
  const empty = decodeMessage(encodeQuery({ name: 'example.test', type: 16 }, { stream: true, encrypted: false }));
  return { ...empty, flags: HeaderFlag.QR | HeaderFlag.AA, answers, ...more };
}

describe('two answers', () => {
  it('with the same records in another order are equal', () => {
    const [a, b] = [record('"a"'), record('"b"')];
    expect(difference(message([a, b]), message([b, a]))).toBeUndefined();
  });

  it('whose owners differ in letter case are equal', () => {
    expect(difference(message([record('"a"')]), message([record('"a"', 60, 'Example.TEST.')]))).toBeUndefined();
  });

  it('with another RCODE differ', () => {
    expect(difference(message([]), message([], { rcode: 2 }))).toBe('SERVFAIL, not NOERROR');
  });

  it('of which one is not authoritative differ', () => {
    expect(difference(message([]), message([], { flags: HeaderFlag.QR }))).toBe('not authoritative');
    expect(difference(message([], { flags: HeaderFlag.QR }), message([]))).toBe('authoritative');
  });

  it('with records of their own differ', () => {
    expect(difference(message([record('"a"')]), message([record('"b"')]))).toBe(
      'without example.test. 60 IN TXT "a"; with example.test. 60 IN TXT "b"',
    );
  });

  it('that count TTLs down from a cache are equal, authoritative ones with other TTLs are not', () => {
    const flags = HeaderFlag.QR;
    const [young, old] = [[record('"a"', 60)], [record('"a"', 59)]];
    expect(difference(message(young, { flags }), message(old, { flags }))).toBeUndefined();
    expect(difference(message(young), message(old))).toMatch(/without .* 60 .*; with .* 59/);
  });

  it('are compared by their authority section only where nothing was answered', () => {
    const [one, other] = [[record('"a"')], [record('"b"')]];
    expect(difference(message(one, { authority: one }), message(one, { authority: other }))).toBeUndefined();
    expect(difference(message([], { authority: one }), message([], { authority: other }))).toMatch(/without/);
  });

  it('differ in nothing by their additional sections', () => {
    expect(difference(message([], { additional: [record('"a"')] }), message([]))).toBeUndefined();
  });
});

describe('the questions about a zone', () => {
  it('include a name that is not there, and the nameserver', () => {
    const asked = questionsAbout('example.test', ['ns1.example.test.']).map(({ name, type }) => `${name} ${type}`);
    expect(asked).toContain('adotd-probe.example.test 1');
    expect(asked).toContain('ns1.example.test. 28');
  });

  it('can be about the root', () => {
    expect(questionsAbout('.', []).map(({ name }) => name)).toContain('adotd-probe.');
  });

  it('are about the root where no zone is known', () => {
    expect(questionsAbout(undefined, []).map(({ name, type }) => `${name} ${type}`)).toEqual(['. 6', '. 2']);
  });
});
