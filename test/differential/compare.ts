/** Compares the answers of four servers to one question, and judges ours. */
import { type Answer, decode } from './decode.js';
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
  /** Differences from ours, by name of the peer; an empty list where it agrees. */
  readonly differences: ReadonlyMap<string, readonly string[]>;
  /** What is wrong with our answer by itself. */
  readonly faults: readonly string[];
  /** Names of the rules that changed something. */
  readonly rules: readonly string[];
}

/** Whether all peers agree with each other, as far as their difference from us tells, and none with us. */
export function isAgainstUs(verdict: Verdict): boolean {
  if (verdict.faults.length > 0) return true;
  return [...verdict.differences.values()].every((list) => list.length > 0);
}

/** The class of a verdict's differences: which peers differ and how. */
export function classOf(verdict: Verdict): string {
  const parts = [...verdict.differences].map(([peer, list]) => `${peer}[${[...new Set(list.map(kindOf))].join('; ')}]`);
  return [...parts.filter((part) => !part.endsWith('[]')), ...verdict.faults.map(kindOf)].join(' ');
}

async function askAll(servers: readonly Asked[], message: Uint8Array, tcp: boolean): Promise<Map<string, Answer>> {
  const responses = await Promise.all(servers.map((server) => server.ask(message, tcp)));
  const answers = new Map<string, Answer>();
  for (const [i, server] of servers.entries()) {
    const response = responses[i];
    if (response === undefined) continue;
    try {
      answers.set(server.name, decode(response));
    } catch (error) {
      throw new Error(`${server.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return answers;
}

/** Asks all servers, the first of which is ours. */
export async function compare(servers: readonly Asked[], query: Query): Promise<Verdict> {
  const message = encodeQuery(query);
  const [ourName] = servers.map((server) => server.name);
  let answers = await askAll(servers, message, query.tcp);
  const truncated = [...answers.values()].some((answer) => answer.tc);
  const faults: string[] = [];
  if (!query.tcp) {
    const udp = answers;
    if (truncated) answers = await askAll(servers, message, true);
    checkTruncation(query, ourName ?? '', udp, answers, faults);
  }
  const ours = answers.get(ourName ?? '');
  if (ours === undefined) throw new Error('no answer of ours');
  for (const section of SECTIONS) {
    for (const [key, { ttls, rdata }] of ours[section]) {
      if (ttls.length > 1) faults.push(`${section}: ${key} has several TTLs`);
      if (new Set(rdata).size < rdata.length) faults.push(`${section}: ${key} repeats a record`);
    }
  }
  const found = new Map<string, readonly string[]>();
  const rules = new Set<string>();
  for (const [peer, theirs] of answers) {
    if (peer === ourName) continue;
    const a = viewOf(ours);
    const b = viewOf(theirs);
    for (const rule of RULES) {
      if (rule.apply?.(a, b, { query, peer, oursFull: ours, theirsFull: theirs })) rules.add(rule.name);
    }
    found.set(peer, differences(a, b));
  }
  return { query, answers, truncated, differences: found, faults, rules: [...rules] };
}
