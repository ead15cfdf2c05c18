/** Compares the answers of four servers to one question, and judges ours. */
import { type Answer, readAnswer } from './answer.js';
import type { Asked } from './exchange.js';
import { encodeQuery, type Query } from './queries.js';
import { RULES } from './rules.js';
import { checkTruncation } from './truncation.js';
import { differences, kindOf, SECTIONS, viewOf } from './view.js';

export interface Verdict {
  readonly query: Query;
  /** By name of the server. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Whether any server truncated its answer; then the answers over TCP were compared. */
  readonly truncated: boolean;
  /** Differences from ours, by name of the peer; an empty list where it agrees. A peer that cannot judge is left out. */
  readonly differences: ReadonlyMap<string, readonly string[]>;
  /** Faults of our answer by itself. */
  readonly faults: readonly string[];
  /** Names of the rules that changed something. */
  readonly rules: readonly string[];
}

/**
 * Whether our answer is faulty by itself, or no peer that can judge it agrees with it, and at least two can: stricter than
 * "the three agree against us", since they may differ from us in three ways. One peer alone proves nothing.
 */
export function isAgainstUs(verdict: Verdict): boolean {
  if (verdict.faults.length > 0) return true;
  const lists = [...verdict.differences.values()];
  return lists.length >= 2 && lists.every((list) => list.length > 0);
}

/** The class of a verdict's differences: which peers differ and how. */
export function classOf(verdict: Verdict): string {
  const parts = [...verdict.differences].map(([peer, list]) => `${peer}[${[...new Set(list.map(kindOf))].join('; ')}]`);
  return [...parts.filter((part) => !part.endsWith('[]')), ...verdict.faults.map(kindOf)].join(' ');
}

function decoded(server: Asked, response: Uint8Array): Answer {
  try {
    return readAnswer(response);
  } catch (error) {
    throw new Error(`${server.name}: ${String(error)} in ${Buffer.from(response).toString('hex')}`);
  }
}

/** The answers by name of the peer. A peer that does not answer at all (a bug of its own) is left out: it cannot judge. */
async function askAll(servers: readonly Asked[], message: Uint8Array, tcp: boolean): Promise<Map<string, Answer>> {
  const responses = await Promise.allSettled(servers.map((server) => server.ask(message, tcp)));
  const answers = new Map<string, Answer>();
  for (const [i, server] of servers.entries()) {
    const response = responses[i];
    if (response?.status === 'fulfilled') answers.set(server.name, decoded(server, response.value));
  }
  return answers;
}

/** Differences of each peer's answer from ours; a peer that cannot judge and differs is left out. */
function judge(
  query: Query,
  ours: Answer,
  peers: ReadonlyMap<string, Answer>,
  rules: Set<string>,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [peer, theirs] of peers) {
    const a = viewOf(ours);
    const b = viewOf(theirs);
    let judges = true;
    for (const rule of RULES) {
      const effect = rule.apply?.(a, b, { query, peer, ours, theirs }) ?? 'none';
      if (effect !== 'none') rules.add(rule.name);
      if (effect === 'abstains') judges = false;
    }
    const list = differences(a, b);
    if (judges || list.length === 0) found.set(peer, list);
  }
  return found;
}

/** Asks our server and the peers, and compares their answers. */
export async function compare(ourServer: Asked, peers: readonly Asked[], query: Query): Promise<Verdict> {
  const message = encodeQuery(query);
  const faults: string[] = [];
  const rules = new Set<string>();
  let ours = decoded(ourServer, await ourServer.ask(message, query.tcp));
  let theirs = await askAll(peers, message, query.tcp);
  const truncated = ours.tc || [...theirs.values()].some((answer) => answer.tc);
  let found = truncated ? new Map<string, string[]>() : judge(query, ours, theirs, rules);
  if (!query.tcp) {
    const whole = decoded(ourServer, await ourServer.ask(message, true));
    checkTruncation(query, ours, whole, faults);
    // Peers also leave out glue without TC. So answers that differ over UDP are compared over TCP; ours must agree with itself there.
    if (truncated || [...found.values()].some((list) => list.length > 0)) {
      ours = whole;
      theirs = await askAll(peers, message, true);
      found = judge(query, ours, theirs, rules);
    }
  }
  for (const section of SECTIONS) {
    for (const [key, { ttls, rdata }] of ours[section]) {
      if (ttls.length > 1) faults.push(`${section}: ${key} has several TTLs`);
      if (new Set(rdata).size < rdata.length) faults.push(`${section}: ${key} repeats a record`);
    }
  }
  const answers = new Map([[ourServer.name, ours], ...theirs]);
  return { query, answers, truncated, differences: found, faults, rules: [...rules] };
}
