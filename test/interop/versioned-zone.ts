/** A zone whose every answer shows its version in all its parts, so that a mix of two versions is found. */
import type { Answer } from 'dns-packet';
import type { Reply } from '../support/query.js';

export const HOSTS = 200;
const PARTS = 8;
const ENDS = 4;

const repeat = <T>(times: number, make: (i: number) => T): T[] => Array.from({ length: times }, (_, i) => make(i));

/** The text of `load.test`. Addresses of hosts are the same in every version. Without its end it is broken. */
export function versionedZone(version: number): string {
  return `${[
    '$TTL 60',
    `@ SOA ns hostmaster ${version} 2 3 4 5`,
    '@ NS ns',
    'ns A 192.0.2.1',
    ...repeat(PARTS, (i) => `parts TXT "${version} ${i}"`),
    `alias CNAME link-${version}`,
    `link-${version} CNAME end-${version}`,
    ...repeat(ENDS, (i) => `end-${version} TXT "${version} ${i}"`),
    `cut NS ns-${version}.cut`,
    `ns-${version}.cut A 10.0.${version >> 8}.${version & 255}`,
    ...repeat(HOSTS, (i) => `host-${i} A 192.0.2.${i}`),
  ].join('\n')}\n`;
}

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'SOA' | 'TXT';
  /** RCODE, then the types of all records in their order. */
  readonly shape: string;
  /** Of a host: its address. */
  readonly address?: string;
}

const VERSIONED: readonly Question[] = [
  { name: 'load.test', type: 'SOA', shape: 'NOERROR SOA' },
  { name: 'parts.load.test', type: 'TXT', shape: `NOERROR${' TXT'.repeat(PARTS)}` },
  { name: 'alias.load.test', type: 'TXT', shape: `NOERROR CNAME CNAME${' TXT'.repeat(ENDS)}` },
  { name: 'below.cut.load.test', type: 'A', shape: 'NOERROR NS A' },
  { name: 'nowhere.load.test', type: 'A', shape: 'NXDOMAIN SOA' },
];

/** Two hosts, by `turn`, among all that tells the version. */
export function questionsOf(turn: number): Question[] {
  const host = (i: number): Question => ({
    name: `host-${i}.load.test`,
    type: 'A',
    shape: 'NOERROR A',
    address: `192.0.2.${i}`,
  });
  return [host((2 * turn) % HOSTS), ...VERSIONED, host((2 * turn + 1) % HOSTS)];
}

/** The mistake in an answer by itself, or the versions that it shows: one, or none for a host. */
export function versionsOf({ shape, address, name }: Question, reply: Reply): readonly number[] | string {
  const records = [reply.answers ?? [], reply.authorities ?? [], reply.additionals ?? []].flat();
  const texts = records.map(textOf);
  const found = [reply.rcode, ...records.map(({ type }) => type)].join(' ');
  const whole = `${name}: ${found}: ${texts.join('; ')}`;
  if (found !== shape || new Set(texts).size !== texts.length) return whole;
  if (address !== undefined) return texts[0] === `${name} ${address}` ? [] : whole;
  const versions = new Set(texts.map(versionOf));
  const [only] = versions;
  return versions.size === 1 && only !== undefined ? [only] : whole;
}

function textOf(record: Answer): string {
  const owner = record.name;
  if (record.type === 'SOA') return `${owner} ${record.data.serial}`;
  return 'data' in record ? `${owner} ${String(record.data)}` : `${owner} ?`;
}

/** The version that a record tells, by its owner, its data, or both alike; undefined for none, or for two. */
function versionOf(text: string): number | undefined {
  const told: number[] = [];
  for (const [, label] of text.matchAll(/(?:link|end|ns)-(\d+)\./g)) told.push(Number(label));
  const address = / 10\.0\.(\d+)\.(\d+)$/.exec(text);
  if (address) told.push(Number(address[1]) * 256 + Number(address[2]));
  const data = /^(?:parts\.|end-\d+\.)?load\.test (\d+)/.exec(text);
  if (data) told.push(Number(data[1]));
  return new Set(told).size === 1 ? told[0] : undefined;
}
