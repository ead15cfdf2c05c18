import { PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import { Transport } from '../../../src/answer/facts.js';
import { type DnstapSettings, dnstapEncoder } from '../../../src/observe/tap/dnstap.js';
import { buildQuery } from '../../support/message.js';
import { BEGAN, recordOf, type Tapped } from './support.js';

type Fields = Map<number, number | Buffer>;

/** A message's fields by their numbers: a reader of Protocol Buffers of its own. */
function fieldsOf(octets: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const octet = octets[at++]!;
      value += (octet & 127) * scale;
      if (octet < 128) return value;
    }
  };
  while (at < octets.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) fields.set(tag >> 3, varint());
    else if (type === 5) {
      fields.set(tag >> 3, octets.readUInt32LE(at));
      at += 4;
    } else if (type === 2) {
      const length = varint();
      if (at + length > octets.length) throw new Error('a field runs past its message');
      fields.set(tag >> 3, octets.subarray(at, at + length));
      at += length;
    } else throw new Error(`wire type ${type}`);
  }
  return fields;
}

const SETTINGS: DnstapSettings = {
  identity: Buffer.from('ns1'),
  version: Buffer.from('adotd'),
  queries: true,
  responses: true,
};

/** The frames of a record: the fields of Dnstap, and those of the Message in it. */
function framesOf(tapped: Tapped, settings: Partial<DnstapSettings> = {}): { tap: Fields; message: Fields }[] {
  const out = new PbfWriter(new Uint8Array(1));
  const count = dnstapEncoder({ ...SETTINGS, ...settings })(out, recordOf(tapped));
  const octets = Buffer.from(out.finish());
  const frames: { tap: Fields; message: Fields }[] = [];
  for (let at = 0; at < octets.length; at += 4 + octets.readUInt32BE(at)) {
    const tap = fieldsOf(octets.subarray(at + 4, at + 4 + octets.readUInt32BE(at)));
    frames.push({ tap, message: fieldsOf(tap.get(14) as Buffer) });
  }
  expect(frames).toHaveLength(count);
  return frames;
}

const QUERY = buildQuery({ name: 'wWw.eXample.test.' });
const RESPONSE = Uint8Array.from({ length: 200 }, (_, i) => i);
const ZONE = '\x07example\x04test\x00';

describe('dnstap', () => {
  it('tells of a query and of its response, by the fields that its schema recommends', () => {
    const [query, response, ...more] = framesOf({ query: QUERY, response: RESPONSE, zoneLabels: 2 });
    expect(more).toEqual([]);
    const common: [number, number | Buffer][] = [
      [2, 1],
      [3, 1],
      [4, Buffer.of(192, 0, 2, 1)],
      [6, 40_000],
      [8, Math.floor(BEGAN / 1000)],
      [9, 123_500_000],
      [11, Buffer.from(ZONE, 'latin1')],
    ];
    expect(query?.message).toEqual(
      new Map([[1, 1], ...common, [10, Buffer.from(QUERY)]] as [number, number | Buffer][]),
    );
    const answered: [number, number | Buffer][] = [
      [1, 2],
      ...common,
      [12, Math.floor(BEGAN / 1000)],
      [13, 123_750_000],
      [14, Buffer.from(RESPONSE)],
    ];
    expect(response?.message).toEqual(new Map(answered));
    for (const frame of [query, response]) {
      expect(frame?.tap.get(1)).toEqual(Buffer.from('ns1'));
      expect(frame?.tap.get(2)).toEqual(Buffer.from('adotd'));
      expect(frame?.tap.get(15)).toBe(1);
    }
  });

  it.each([
    [Transport.UDP, 1, undefined],
    [Transport.TCP, 2, undefined],
    [Transport.STARTTLS, 3, Buffer.from('starttls')],
    [Transport.TLS, 3, undefined],
  ])('calls transport %d protocol %d, with %s as extra', (transport, protocol, extra) => {
    const client = Uint8Array.from({ length: 16 }, (_, i) => i);
    const [frame] = framesOf({ query: QUERY, facts: { transport, client, clientLength: 16 } });
    expect(frame?.message.get(3)).toBe(protocol);
    expect(frame?.tap.get(3)).toEqual(extra);
    expect(frame?.message.get(2)).toBe(2);
    expect(frame?.message.get(4)).toEqual(Buffer.from(client));
  });

  it('tells what it is to tell, and of no response where none was sent', () => {
    const types = (tapped: Tapped, settings: Partial<DnstapSettings>): unknown[] =>
      framesOf(tapped, settings).map(({ message }) => message.get(1));
    const both = { query: QUERY, response: RESPONSE };
    expect(types(both, { responses: false })).toEqual([1]);
    expect(types(both, { queries: false })).toEqual([2]);
    expect(types({ query: QUERY }, {})).toEqual([1]);
    expect(types({ query: QUERY }, { queries: false })).toEqual([]);
  });

  it('has messages of any length in whole', () => {
    const query = Uint8Array.from([...QUERY, ...new Uint8Array(65_000).fill(7)]);
    const response = new Uint8Array(65_535).fill(9);
    const [asked, answered] = framesOf({ query, response });
    expect(Buffer.compare(asked?.message.get(10) as Buffer, query)).toBe(0);
    expect(Buffer.compare(answered?.message.get(14) as Buffer, response)).toBe(0);
    const [empty] = framesOf({ query: new Uint8Array(0) });
    expect(empty?.message.get(10)).toEqual(Buffer.alloc(0));
  });

  it('names neither server nor zone where there is nothing to name', () => {
    const [frame] = framesOf({ query: QUERY }, { identity: new Uint8Array(0), version: new Uint8Array(0) });
    expect([...(frame?.tap.keys() ?? [])]).toEqual([15, 14]);
    expect(frame?.message.has(11)).toBe(false);
    const [root] = framesOf({ query: QUERY, zoneLabels: 0 });
    expect(root?.message.get(11)).toEqual(Buffer.of(0));
  });
});
