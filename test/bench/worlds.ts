/** The worlds of the comparison: zones on disk, and a file of queries for them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKey, signZone } from '../differential/sign.js';
import { queries, randomFrom, smallZoneText, ZONE, zoneText } from './workload.js';

export interface World {
  readonly zonesFolder: string;
  /** Names without the final dot. */
  readonly zones: readonly string[];
  readonly signed: boolean;
  /** A name and a type on each line. */
  readonly queries: string;
  /** The first of those queries, to compare answers with. */
  readonly sample: readonly Question[];
  /** Records in all zones as they were written, without signatures. */
  readonly records: number;
}

export type Question = readonly [name: string, type: string];

const SEED = 7;
/** Queries in a file; dnsperf starts again after the last. */
const QUERIES = 100_000;
const SAMPLE = 500;

/** How large the worlds are. */
interface WorldSizes {
  readonly names: number;
  readonly delegations: number;
  readonly manyZones: number;
  readonly millionNames: number;
}

export const SIZES: WorldSizes = { names: 100_000, delegations: 1_000, manyZones: 10_000, millionNames: 980_000 };
/** To see whether everything works. */
export const QUICK_SIZES: WorldSizes = { names: 5_000, delegations: 50, manyZones: 200, millionNames: 20_000 };

/** The zone and the mix of PERFORMANCE's method. */
export function workload(folder: string, { names, delegations }: WorldSizes): World {
  const text = zoneText(names, delegations);
  return write(folder, new Map([[ZONE, text]]), queries(QUERIES, randomFrom(SEED), names, delegations));
}

/** The same zone signed: NSEC, ECDSAP256SHA256, by BIND's dnssec-signzone. Throws where that is not installed. */
export async function signedWorkload(folder: string, unsigned: World): Promise<World> {
  const zonesFolder = placeZones(folder);
  const key = makeKey();
  const input = join(folder, 'unsigned');
  const text = readFileSync(join(unsigned.zonesFolder, `${ZONE}.zone`), 'latin1');
  writeFileSync(input, `${text}@ IN DNSKEY ${key.dnskey}\n`);
  const output = join(zonesFolder, `${ZONE}.zone`);
  await signZone(folder, `${ZONE}.`, 'NSEC', key, input, output, { salt: '-', iterations: 0 });
  return { ...unsigned, zonesFolder, signed: true };
}

/** Kind of answer by its size → octets of the text of a TXT record that makes it. */
export const ANSWER_SIZES = { small: 0, 'about 500': 430, 'about 1200': 1100, truncated: 2500 } as const;
export type AnswerSize = keyof typeof ANSWER_SIZES;

/** One zone; each name has an answer of this size. */
export function answersOfSize(folder: string, size: AnswerSize): World {
  const names = 1000;
  const octets = ANSWER_SIZES[size];
  const strings = Array.from(
    { length: Math.ceil(octets / 200) },
    (_, i) => `"${'x'.repeat(Math.min(200, octets - i * 200))}"`,
  );
  const data = octets === 0 ? 'A 192.0.2.1' : `TXT ${strings.join(' ')}`;
  const head = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 300',
    '@ IN SOA ns1 host 1 7200 900 1209600 300',
    '@ IN NS ns1',
    'ns1 IN A 192.0.2.1',
  ];
  const lines = Array.from({ length: names }, (_, i) => `host${i} IN ${data}`);
  const asked = Array.from(
    { length: QUERIES },
    (_, i): Question => [`host${i % names}.${ZONE}`, octets === 0 ? 'A' : 'TXT'],
  );
  return write(folder, new Map([[ZONE, `${[...head, ...lines].join('\n')}\n`]]), asked);
}

/** Many zones of ten records. */
export function manyZones(folder: string, { manyZones: count }: WorldSizes): World {
  const random = randomFrom(SEED);
  const nameOf = (index: number): string => `zone${index}.test`;
  const texts = new Map(Array.from({ length: count }, (_, i) => [nameOf(i), smallZoneText(i)]));
  const asked = Array.from({ length: QUERIES }, (): Question => {
    const zone = nameOf(Math.floor(random() * count));
    const draw = random();
    if (draw < 0.7) return [`www.${zone}`, 'A'];
    if (draw < 0.8) return [`missing.${zone}`, 'A'];
    return draw < 0.9 ? [zone, 'MX'] : [`mail.${zone}`, 'AAAA'];
  });
  return write(folder, texts, asked);
}

/** One zone of a million records. */
export function millionRecords(folder: string, { millionNames: names }: WorldSizes): World {
  const delegations = Math.ceil(names / 196);
  const asked = queries(QUERIES, randomFrom(SEED), names, delegations);
  return write(folder, new Map([[ZONE, zoneText(names, delegations)]]), asked);
}

function write(folder: string, texts: ReadonlyMap<string, string>, asked: readonly Question[]): World {
  const zonesFolder = placeZones(folder);
  let records = 0;
  for (const [name, text] of texts) {
    writeFileSync(join(zonesFolder, `${name}.zone`), text);
    records += text.split('\n').filter((line) => line !== '' && !line.startsWith('$')).length;
  }
  const file = join(folder, 'queries');
  writeFileSync(file, `${asked.map((question) => question.join(' ')).join('\n')}\n`);
  return {
    zonesFolder,
    zones: [...texts.keys()],
    signed: false,
    queries: file,
    sample: asked.slice(0, SAMPLE),
    records,
  };
}

function placeZones(folder: string): string {
  const zonesFolder = join(folder, 'zones');
  mkdirSync(zonesFolder, { recursive: true });
  return zonesFolder;
}
