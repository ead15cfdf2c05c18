/**
 * Our client against every fault of the fixture, in both profiles. The opportunistic profile is answered whenever a plain client is
 * answered by port 53. The pre-deployed profile is answered inside TLS or says why not, and never shows the name on the wire.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Client,
  ClientError,
  ClientErrorCode,
  type ClientOptions,
  createClient,
  type Resolution,
  type Verification,
} from '../../src/client/index.js';
import {
  FAULTS,
  type FaultName,
  type FaultRule,
  occasionOf,
  type QueryTransport,
} from '../../src/fixture/faults/fault-rule.js';
import { type RunningServer, startServer } from '../../src/index.js';
import { textOf } from '../repository/files.js';
import { SEED } from '../support/seed.js';
import { FakeClock } from './fake-clock.js';
import { type Effect, FAULT_CASES, type FaultCase } from './fault-cases.js';
import { plainAddresses } from './plain-client.js';
import { type Recorder, record } from './recorder.js';

/** Names and their addresses. Faults of one name are those of the first. */
const ADDRESSES = new Map(Array.from({ length: 5 }, (_, i) => [`quebec-${i}.example.test`, `192.0.2.${10 + i}`]));
const [NAME = '', ...OTHERS] = ADDRESSES.keys();
const ZONE = [...ADDRESSES].map(([name, address]) => `${name}. 60 A ${address}`).join('\n');
/** The first label of each name with its length, as it is on the wire. */
const LABELS = [...ADDRESSES.keys()].map((name) => Buffer.from(`\x08${name.split('.')[0]}`));

/**
 * The clients' time moves on with the turns of the event loop, which the servers share: on a slow machine, servers have as many
 * turns to answer as on a fast one.
 */
const clock = new FakeClock();
/** Milliseconds by which each turn moves the time. */
const TICK = 10;
const ticking = setInterval(() => clock.advance(TICK), TICK / 2);
afterAll(() => clearInterval(ticking));
/** Several turns each, most of them dozens. */
const TIMEOUTS = { establish: 800, headStart: 60, cleartextAfter: 800, answer: 600, udp: 200, total: 20_000 };
/** The plain client has the same times. */
const PLAIN = { clock, udp: TIMEOUTS.udp, tcp: TIMEOUTS.answer };
/** Trials that run at a time. Most of them wait. */
const AT_ONCE = 32;

/** The expected effect on the pre-deployed profile, for the name of the fault. */
interface Expected {
  readonly tls: Effect;
  readonly starttls: Effect;
}

interface Trial {
  readonly rules: readonly FaultRule[];
  readonly verification: Verification['kind'];
  /** Undefined: only the promises of the profile are checked. */
  readonly expected?: Expected;
  /** The rules name one name: other names are not affected. */
  readonly ofOneName?: boolean;
  /** The effect is only that on a query that is alone. */
  readonly alone?: boolean | undefined;
}

const NONE: Expected = { tls: 'none', starttls: 'none' };

function expectedOf({ inside, insideStarttls = inside, dummy }: FaultCase, on: readonly QueryTransport[]): Expected {
  const upgrade = on.includes('tcp') ? dummy : 'none';
  return {
    tls: on.includes('tls') ? inside : 'none',
    starttls: upgrade !== 'none' ? upgrade : on.includes('starttls') ? insideStarttls : 'none',
  };
}

const isOfOneKind = (rule: FaultRule): boolean => 'name' in rule || 'upgrade' in rule;

/** Always on; for one name only; the first time only. */
function trialsOf(fault: FaultName): Trial[] {
  const { transports } = FAULTS[fault];
  return FAULT_CASES[fault].flatMap((one, nth): Trial[] => {
    const { rule, verification = 'pin' } = one;
    const secure = transports.includes('udp') && transports.includes('tls') ? [['starttls', 'tls'] as const] : [];
    const single = nth === 0 ? transports.map((transport) => [transport]) : [];
    const permanent = [transports, ...secure, ...single].map((on): Trial => {
      const where = on === transports ? {} : { transport: on.length === 1 ? on[0] : [...on] };
      return {
        rules: [{ ...rule, ...where } as FaultRule],
        verification,
        expected: expectedOf(one, on),
        alone: one.alone,
      };
    });
    // A rule with the effect of another is tried once.
    if (nth > 0 && one.inside !== 'none' && one.inside !== 'poor' && one.inside.includes('CLIENT_TIMED_OUT'))
      return permanent.slice(0, 1);
    const first: Trial = { rules: [{ ...rule, nth: 1 } as FaultRule], verification, expected: NONE };
    if (occasionOf(rule) !== 'answer' || isOfOneKind(rule)) return [...permanent, first];
    // The dummy query has another name.
    const expected = expectedOf({ ...one, dummy: 'none' }, transports);
    const named: Trial = { rules: [{ ...rule, name: NAME } as FaultRule], verification, expected, ofOneName: true };
    return [...permanent, first, named];
  });
}

function verificationOf(kind: Verification['kind'], server: RunningServer): Verification {
  if (kind === 'pin') return { kind, pins: server.pins };
  if (kind === 'tlsa') return { kind, records: server.tlsa };
  return { kind: 'ca', ca: server.ca };
}

/** The outcome of a question. */
type Outcome = Resolution | ClientError;

async function asked(client: Client, server: object, names: readonly string[]): Promise<Outcome[]> {
  const at = server as { address: string; port: number; tlsPort: number };
  return await Promise.all(
    names.map((name) =>
      client.resolve({ server: at, name, type: 'A' }).catch((error: unknown) => {
        if (error instanceof ClientError) return error;
        throw error;
      }),
    ),
  );
}

const isPoor = ({ message, truncated }: Resolution): boolean => message.rcode !== 0 || truncated;

/** Whatever is wrong, an answer that looks right must be the right one. */
function expectHonest(name: string, outcome: Outcome): void {
  if (outcome instanceof ClientError || isPoor(outcome)) return;
  expect(outcome.message.answers.map(({ data }) => data)).toEqual([ADDRESSES.get(name)]);
}

function expectAnswered(name: string, outcome: Outcome): void {
  if (outcome instanceof ClientError) throw new Error(`${name} was not answered`, { cause: outcome });
  expect(isPoor(outcome), `${name}: RCODE ${outcome.message.rcode}`).toBe(false);
  expectHonest(name, outcome);
}

type Judge = (name: string, outcome: Outcome, nth: 'first' | 'later') => void;

/** Asks the names of each group together, one group after the other, by a new client. */
async function askInTurn(
  groups: readonly (readonly string[])[],
  options: ClientOptions,
  at: object,
  judge: Judge,
): Promise<void> {
  const onWarning = (text: string): void => expect.unreachable(text);
  await using client = createClient({ clock, timeouts: TIMEOUTS, onWarning, ...options });
  for (const names of groups) {
    const outcomes = await asked(client, at, names);
    for (const [i, name] of names.entries()) {
      const outcome = outcomes[i];
      if (outcome !== undefined) judge(name, outcome, names.length === 1 ? 'first' : 'later');
    }
  }
}

/** Whether the rules count nothing, so that clients can ask at the same time. */
const isAlways = (rules: readonly FaultRule[]): boolean => rules.every((rule) => !('nth' in rule || 'times' in rule));

/** One question, then four at once of the same client; five at once of another. */
async function inTurn(
  server: RunningServer,
  rules: readonly FaultRule[],
  options: ClientOptions,
  at: object,
  judge: Judge,
): Promise<void> {
  const begin = (groups: readonly (readonly string[])[]): Promise<void> => askInTurn(groups, options, at, judge);
  const first = [[NAME], OTHERS];
  const second = [[NAME, ...OTHERS]];
  restart(server, rules);
  if (isAlways(rules)) {
    await Promise.all([begin(first), begin(second)]);
    return;
  }
  await begin(first);
  restart(server, rules);
  await begin(second);
}

function restart(server: RunningServer, rules: readonly FaultRule[]): void {
  server.faults.clear();
  server.faults.add(...rules);
}

async function opportunistic(server: RunningServer, { rules }: Trial): Promise<void> {
  const { address, udp: port, tls: tlsPort } = server;
  const answerable = new Set<string>();
  for (const name of [NAME, OTHERS[0] ?? '']) {
    restart(server, rules);
    const found = await plainAddresses(address, port, name, PLAIN);
    if (found?.join() === ADDRESSES.get(name)) answerable.add(name);
  }
  // The other names are treated alike.
  if (answerable.has(OTHERS[0] ?? '')) for (const name of OTHERS) answerable.add(name);
  await inTurn(server, rules, {}, { address, port, tlsPort }, (name, outcome) => {
    if (answerable.has(name)) expectAnswered(name, outcome);
    else expectHonest(name, outcome);
    if (outcome instanceof ClientError) expect(outcome.code).toBe(ClientErrorCode.NO_ANSWER);
  });
}

/** Expects the outcome that follows from the effects on the transports. */
function expectAsExpected(
  name: string,
  outcome: Outcome,
  expected: Partial<Expected>,
  nth: 'first' | 'later' = 'first',
): void {
  const effects = Object.values(expected);
  if (effects.includes('none')) {
    expectAnswered(name, outcome);
    return;
  }
  if (effects.includes('poor')) {
    if (outcome instanceof ClientError) throw new Error(`${name} was not answered at all`, { cause: outcome });
    expect(isPoor(outcome)).toBe(true);
    return;
  }
  if (!(outcome instanceof ClientError)) throw new Error(`${name} was answered over ${outcome.transport}`);
  const codes = outcome.attempts.map(({ error }) => error.code);
  expect(codes).toContain(outcome.reason);
  if (nth === 'later') return;
  expect(outcome.attempts.map(({ transport }) => transport).sort()).toEqual(Object.keys(expected).sort());
  for (const { transport, error } of outcome.attempts)
    expect(expected[transport as 'tls' | 'starttls'], transport).toContain(error.code);
}

async function preDeployed(
  server: RunningServer,
  { rules, verification, expected, ofOneName, alone }: Trial,
): Promise<void> {
  await using recorder = await record(server);
  const options = { profile: 'pre-deployed', verification: verificationOf(verification, server) } as const;
  server.clearQueries();
  restart(server, rules);
  // Each transport by itself, too: if one of them works, the effect on the other is not seen.
  const alones =
    expected === undefined || !isAlways(rules)
      ? []
      : (['tls', 'starttls'] as const).map(async (only) => {
          await askInTurn([[NAME]], { ...options, order: [only] }, recorder, (name, outcome) =>
            expectAsExpected(name, outcome, { [only]: expected[only] }),
          );
        });
  const together = inTurn(server, rules, options, recorder, (name, outcome, nth) => {
    expectHonest(name, outcome);
    if (outcome instanceof ClientError) expect(outcome.code).toBe(ClientErrorCode.NOT_PRIVATE);
    else expect(outcome).toMatchObject({ encrypted: true, tls: { verified: verification } });
    if (expected === undefined || (alone && nth === 'later')) return;
    expectAsExpected(name, outcome, ofOneName && name !== NAME ? NONE : expected, nth);
  });
  await Promise.all([together, ...alones]);
  expectPrivate(server, recorder, rules);
}

function expectPrivate(server: RunningServer, recorder: Recorder, rules: readonly FaultRule[]): void {
  // An attacker may know the name and show it himself. That is not the client's fault.
  const isShown = rules.some((rule) => rule.fault === 'starttls-inject' && rule.answer?.name !== undefined);
  for (const label of LABELS) expect(recorder.saw(label, isShown ? 'client' : undefined)).toBe(false);
  const open = server.queries().filter(({ transport }) => transport === 'udp' || transport === 'tcp');
  expect(open.filter(({ name }) => name.toLowerCase() !== 'starttls')).toEqual([]);
  expect(recorder.octets).toBeGreaterThan(0);
}

const PROFILES = { opportunistic, 'pre-deployed': preDeployed };
type ProfileName = keyof typeof PROFILES;

/** The servers' time is the machine's. On a slow machine it must not run out while the clients wait by their own. */
const PATIENT = { sessions: { idle_timeout: 300, idle_timeout_min: 300, handshake_timeout: 60, message_timeout: 60 } };
/** Milliseconds that a slow machine may take for all trials, which run together. */
const ALL = 240_000;

/** Servers that no trial uses at the moment. */
const idle: RunningServer[] = [];
afterAll(async () => void (await Promise.all(idle.map((server) => server.close()))));

async function run(trial: Trial, profile: ProfileName): Promise<void> {
  const server = idle.pop() ?? (await startServer({ zones: { 'example.test': ZONE }, config: PATIENT }));
  try {
    await PROFILES[profile](server, trial);
  } catch (error) {
    throw new Error(`${profile}, ${trial.verification}, ${JSON.stringify(trial.rules)}: ${String(error)}`, {
      cause: error,
    });
  } finally {
    server.faults.clear();
    idle.push(server);
  }
}

/** Runs all, AT_ONCE at a time. */
function pool(): (act: () => Promise<void>) => Promise<void> {
  const queue: (() => Promise<void>)[] = [];
  let running = 0;
  const next = (): void => {
    for (; running < AT_ONCE && queue.length > 0; running++) {
      void queue
        .shift()?.()
        .finally(() => {
          running--;
          next();
        });
    }
  };
  return (act) =>
    new Promise((resolve, reject) => {
      queue.push(() => act().then(resolve, reject));
      next();
    });
}
const add = pool();

type Begun = Map<string, Promise<PromiseSettledResult<void>[]>>;

/** Begins the trials of all tests together: most of their time they wait. */
function begin(tests: ReadonlyMap<string, readonly Trial[]>): Begun {
  const begun: Begun = new Map();
  for (const [key, trials] of tests) {
    for (const profile of ['opportunistic', 'pre-deployed'] as const)
      begun.set(`${profile} ${key}`, Promise.allSettled(trials.map((trial) => add(() => run(trial, profile)))));
  }
  return begun;
}

async function expectFulfilled(results: Promise<PromiseSettledResult<void>[]> | undefined): Promise<void> {
  const settled = await results;
  expect(settled?.length).toBeGreaterThan(0);
  for (const one of settled ?? []) if (one.status === 'rejected') throw one.reason;
}

const NAMES = Object.keys(FAULTS) as FaultName[];

describe('the recorder', () => {
  it('sees a name that is asked for in cleartext, in any letter case, either way', async () => {
    await using server = await startServer({ zones: { 'example.test': ZONE } });
    for (const name of [NAME, NAME.toUpperCase()]) {
      for (const rules of [[], [{ fault: 'drop', transport: 'udp' }] as const]) {
        restart(server, rules);
        await using recorder = await record(server);
        await using client = createClient({ clock, order: ['cleartext'], timeouts: TIMEOUTS });
        const { transport } = await client.resolve({ server: recorder, name, type: 'A' });
        expect(transport).toBe(rules.length === 0 ? 'udp' : 'tcp');
        expect(LABELS.map((label) => recorder.saw(label))).toEqual(LABELS.map((_, i) => i === 0));
      }
    }
  });
});

describe('against each fault of the fixture, always, for one name, and once', () => {
  let begun: Begun;
  beforeAll(() => {
    begun = begin(new Map(NAMES.map((fault) => [fault, trialsOf(fault)])));
  });

  it('there are cases, on all of its transports', () => {
    expect(Object.keys(FAULT_CASES).sort()).toEqual([...NAMES].sort());
    for (const fault of NAMES) {
      const on = trialsOf(fault).flatMap(({ rules }) => rules.flatMap(({ transport }) => transport ?? []));
      expect(new Set(on)).toEqual(new Set(FAULTS[fault].transports));
    }
  });

  it('there is every rule of the handbook about STARTTLS', () => {
    const section = /^## STARTTLS.*?(?=^## )/ms.exec(textOf('docs/faults.md'))?.[0] ?? '';
    const rules = [...section.matchAll(/\{ fault: [^}]*\}/g)].map(([text]): unknown => parse(text));
    expect(rules.length).toBeGreaterThanOrEqual(6);
    const tried = NAMES.flatMap(trialsOf).map((trial) => trial.rules[0]);
    for (const rule of rules) expect(tried).toContainEqual(rule);
  });

  it.each(NAMES)(
    '%s: the opportunistic profile is answered where port 53 can',
    async (fault) => {
      await expectFulfilled(begun.get(`opportunistic ${fault}`));
    },
    ALL,
  );

  it.each(NAMES)(
    '%s: the pre-deployed profile is answered inside TLS, or says why not',
    async (fault) => {
      await expectFulfilled(begun.get(`pre-deployed ${fault}`));
    },
    ALL,
  );
});

describe('against faults that come together', () => {
  const cases = Object.values(FAULT_CASES).flat();
  const rule = fc.constantFrom(...cases).chain(({ rule: base }) => {
    const timings: Partial<FaultRule>[] = [{}, { nth: 1 }, { nth: [1, 2] }, { times: 2 }];
    const named: object[] = occasionOf(base) === 'answer' && !isOfOneKind(base) ? [{ name: NAME }] : [];
    const where = fc.option(fc.subarray([...FAULTS[base.fault].transports], { minLength: 1 }), { nil: undefined });
    return fc
      .tuple(fc.constantFrom<object>(...timings, ...named), where)
      .map(([when, transport]) => ({ ...base, ...when, ...(transport && { transport }) }) as FaultRule);
  });
  const verification = fc.constantFrom('pin' as const, 'ca' as const, 'tlsa' as const);
  const trial = fc.record({ rules: fc.array(rule, { minLength: 2, maxLength: 4 }), verification });
  let begun: Begun;
  beforeAll(() => {
    begun = begin(new Map([['any', fc.sample(trial, { seed: SEED, numRuns: 40 })]]));
  });

  it.each(['opportunistic', 'pre-deployed'] as const)(
    `the %s profile keeps its promise (seed ${SEED})`,
    async (profile) => {
      await expectFulfilled(begun.get(`${profile} any`));
    },
    ALL,
  );
});
