import { describe, expect, it } from 'vitest';
import type { Answer, Section } from '../differential/answer.js';
import { compareAnswers } from './likeness.js';

const section = (rdata: string): Section =>
  new Map([['a.test. A', { owner: 'a.test.', type: 1, covered: 0, ttls: [300], rdata: [rdata] }]]);

function answer(changes: Partial<Answer> = {}): Answer {
  const none: Section = new Map();
  const flags = { rcode: 0, opcode: 0, aa: true, tc: false, otherFlags: 0 };
  return {
    length: 60,
    ...flags,
    question: '',
    answer: section('x'),
    authority: none,
    additional: none,
    edns: undefined,
    ...changes,
  };
}

const compared = (theirs: Answer, ours = answer()) => compareAnswers([['a.test', 'A']], [ours], [theirs]);

describe('answers of two servers', () => {
  it('are alike when they are', () => {
    expect(compared(answer())).toEqual({ asked: 1, different: 0, example: undefined, otherSections: 0, octets: 60 });
  });

  it('differ by RCODE, flags and records, and the first difference is told', () => {
    expect(compared(answer({ rcode: 3 })).different).toBe(1);
    expect(compared(answer({ aa: false })).different).toBe(1);
    expect(compared(answer({ tc: true })).different).toBe(1);
    expect(compared(answer({ answer: section('y') })).example).toMatch(
      /^a\.test A: expected RCODE 0 AA .*78, found .*79/,
    );
  });

  it('may differ in their other sections, which is counted by itself', () => {
    expect(compared(answer({ additional: section('y') }))).toMatchObject({ different: 0, otherSections: 1 });
  });

  it('may hold more or less when they are truncated', () => {
    expect(compared(answer({ tc: true }), answer({ tc: true, answer: new Map() })).different).toBe(0);
  });
});
