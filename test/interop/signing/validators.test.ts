/**
 * Generated zones that adotd signs under random policies, as validators see them: secure where the keys of the parent are trusted, insecure where the
 * parent says so, and bogus where it lies. ADOTD_SEED makes other zones, ADOTD_ZONES so many pairs of them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, readAnswer } from '../../differential/answer.js';
import { type Ours, startOurs } from '../../differential/engine.js';
import { Exchange } from '../../differential/exchange.js';
import { nameToText } from '../../differential/names.js';
import { encodeQuery, type Query, Questioner, queryToText } from '../../differential/queries.js';
import { Random } from '../../differential/random.js';
import { type Expectation, expectation, VALIDATED } from '../../differential/validation.js';
import type { Peer } from '../../support/peers/server.js';
import { startUnbound } from '../../support/peers/unbound.js';
import { typeName } from '../../support/rdata.js';
import { seedOr } from '../../support/seed.js';
import { missingPrograms, run } from '../support.js';
import { type Family, type JudgedZone, makeFamily, type Security } from './families.js';

const missing = missingPrograms({ unbound: 'unbound', delv: 'bind9-dnsutils' });
const SEED = seedOr(20_261_201);
const FAMILIES = Number(process.env.ADOTD_ZONES ?? 20);
/** Questions to each zone. */
const QUESTIONS = 40;
/** A delv is a process: it is asked about one zone in so many questions. */
const DELV_QUESTIONS = 3;
const IN_FLIGHT = 16;
const AD = 0x20;
const SERVFAIL = 2;

/** A question, our own answer to it, and what a validator has to make of that. */
interface Case {
  readonly query: Query;
  readonly direct: Answer;
  readonly expected: Exclude<Expectation, undefined> | Security;
}

describe.skipIf(missing)(`zones that adotd signs${missing ? ` (skipped: ${missing})` : ''}, seed ${SEED}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-validators-'));
  const random = new Random(SEED);
  let families: Family[] = [];
  let ours: (Ours & { port: number }) | undefined;
  let unbound: Peer | undefined;
  let resolver: Exchange | undefined;

  beforeAll(async () => {
    families = Array.from({ length: FAMILIES }, (_, i) => makeFamily(random.fork(i), i, folder));
    const server = await startOurs(families.flatMap(({ parent, child }) => [parent, child]));
    ours = server;
    const stubs = families.flatMap(({ parent, child, anchors }) => [
      ...anchors.map((ds) => ({ name: parent.name, anchor: `${parent.name} DS ${ds}` })),
      { name: child.name, anchor: undefined },
    ]);
    unbound = await startUnbound(join(folder, 'unbound'), server, stubs);
    resolver = await Exchange.open(unbound);
  }, 600_000);
  afterAll(async () => {
    resolver?.close();
    await unbound?.stop();
    await ours?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A question to a zone, if the validator can answer it by the zone alone. */
  async function caseOf(zone: JudgedZone, query: Query, by: 'unbound' | 'delv'): Promise<Case | undefined> {
    const direct = readAnswer(await ours!.ask(encodeQuery(query), true));
    const expected = expectation(zone.model, query, direct, by);
    if (expected === undefined) return undefined;
    return { query, direct, expected: zone.security === 'secure' ? expected : zone.security };
  }

  function questionsTo(zone: JudgedZone, salt: number): (wanted: number) => Query {
    const questioner = new Questioner(
      random.fork(salt + zone.family * 2 + (zone.name.startsWith('Sub.') ? 1 : 0)),
      zone.model,
    );
    const asked = { recursionDesired: true, checkingDisabled: false, edns: true, dnssecOk: true, size: 1232 };
    return (wanted) => ({ ...questioner.ask(VALIDATED[wanted % VALIDATED.length]), ...asked });
  }

  /** Calls `judge` for all zones, some at a time; returns what it finds wrong. */
  async function judgeAll(judge: (zone: JudgedZone) => Promise<string[]>, inFlight: number): Promise<string[]> {
    const queue = families.flatMap(({ parent, child }) => [parent, child]).values();
    const wrong: string[] = [];
    const worker = async (): Promise<void> => {
      for (const zone of queue) wrong.push(...(await judge(zone)));
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return wrong;
  }

  it('are never bogus for unbound unless they are, secure where they are, and insecure where they are not', async () => {
    const counts = new Map<string, number>();
    const judge = async (zone: JudgedZone): Promise<string[]> => {
      const wrong: string[] = [];
      const ask = questionsTo(zone, 1000);
      for (let i = 0; i < QUESTIONS; i++) {
        const one = await caseOf(zone, ask(i), 'unbound');
        if (one === undefined) continue;
        const { query, direct, expected } = one;
        for (const what of [zone.security, ...zone.model.classify(query.name, query.type)])
          counts.set(what, (counts.get(what) ?? 0) + 1);
        const found = readAnswer(await resolver!.ask(encodeQuery(query), true));
        const isSecure = (found.otherFlags & AD) !== 0;
        const rcode = expected === 'bogus' ? SERVFAIL : direct.rcode;
        const isRight =
          found.rcode === rcode && (expected === 'secure' ? isSecure : expected === 'not bogus' || !isSecure);
        if (!isRight)
          wrong.push(`${zone.how} ${queryToText(query)}: RCODE ${found.rcode}, AD ${isSecure}; expected ${expected}`);
      }
      return wrong;
    };
    const wrong = await judgeAll(judge, IN_FLIGHT);
    console.log([...counts].map(([what, count]) => `${what} ${count}`).join(', '));
    expect(wrong).toEqual([]);
    for (const what of [...VALIDATED, 'secure', 'insecure', 'bogus'])
      expect(counts.get(what) ?? 0, what).toBeGreaterThan(0);
  });

  it('are the same for delv', async () => {
    const counts = new Map<string, number>();
    const judge = async (zone: JudgedZone): Promise<string[]> => {
      const wrong: string[] = [];
      const words = delvWords(zone);
      const ask = questionsTo(zone, 2000);
      for (let i = 0; i < DELV_QUESTIONS; i++) {
        const one = await caseOf(zone, ask(i * 5 + zone.family), 'delv');
        if (one === undefined) continue;
        const { query, expected } = one;
        const { stdout, stderr } = await run('delv', [
          ...words,
          '-q',
          nameToText(query.name),
          '-t',
          typeName(query.type),
        ]);
        const found = verdictOf(`${stdout}${stderr}`);
        counts.set(expected, (counts.get(expected) ?? 0) + 1);
        const isRight = expected === 'not bogus' ? found !== 'bogus' : found === expected;
        if (!isRight)
          wrong.push(`${zone.how} ${queryToText(query)}: ${found}, expected ${expected}\n${stdout}${stderr}`);
      }
      return wrong;
    };
    expect(await judgeAll(judge, 2)).toEqual([]);
    for (const what of ['secure', 'insecure', 'bogus']) expect(counts.get(what) ?? 0, what).toBeGreaterThan(0);
  });

  /** Words of a delv that trusts the keys of the parent only. */
  function delvWords({ family }: JudgedZone): string[] {
    const { parent, anchors } = families[family]!;
    const file = join(folder, `${parent.name}anchors`);
    const lines = anchors.map((ds) => {
      const [tag, algorithm, type, digest] = ds.split(' ');
      return `  "${parent.name}" static-ds ${tag} ${algorithm} ${type} "${digest}";\n`;
    });
    writeFileSync(file, `trust-anchors {\n${lines.join('')}};\n`);
    return ['@127.0.0.1', '-p', String(ours!.port), '-a', file, `+root=${parent.name}`];
  }
});

/** What delv says about all parts of an answer. */
function verdictOf(output: string): Security | 'mixed' {
  const said = output.match(/^; .*(fully validated|unsigned answer)$/gm) ?? [];
  const unsigned = said.filter((line) => line.endsWith('unsigned answer')).length;
  if (said.length === 0) return 'bogus';
  return unsigned === 0 ? 'secure' : unsigned === said.length ? 'insecure' : 'mixed';
}
