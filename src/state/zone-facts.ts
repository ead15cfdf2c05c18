/** The stored facts about a zone, besides its content. */
import { isDeepStrictEqual } from 'node:util';

/** Small facts about a zone. Their writers give them their meaning. */
export interface StoredFacts {
  /** Where the zone comes from, such as `file` or `secondary`. */
  readonly role: string;
  /** The primary's serial, where it is not the published one. */
  readonly sourceSerial?: number;
  /** Name of the remote that gave the present version. */
  readonly origin?: string;
  /** Points in time, in seconds since 1970. */
  readonly timers: Readonly<Record<string, number>>;
  readonly flags: Readonly<Record<string, boolean | number | string>>;
}

/**
 * The flag with the plan by which the version is signed here; absent: it is not signed here. The keeper of zones sets it: others leave it
 * as it is.
 */
export const PLAN_FLAG = 'plan';

export const NO_FACTS: StoredFacts = { role: '', timers: {}, flags: {} };

/** The facts as they are after a change; the same object when nothing changes. A key that is undefined is taken away. */
export function changedFacts(facts: StoredFacts, change: Partial<StoredFacts>): StoredFacts {
  const changed = Object.fromEntries(
    Object.entries({ ...facts, ...change }).filter(([, value]) => value !== undefined),
  ) as unknown;
  const next = isFacts(changed) ? changed : facts;
  return isDeepStrictEqual(next, facts) ? facts : next;
}

export function encodeFacts(facts: StoredFacts): Uint8Array {
  return Buffer.from(JSON.stringify(facts), 'utf8');
}

/** The facts, or undefined when the octets are not facts. */
export function decodeFacts(octets: Uint8Array): StoredFacts | undefined {
  try {
    const facts: unknown = JSON.parse(Buffer.from(octets).toString('utf8'));
    return isFacts(facts) ? facts : undefined;
  } catch {
    return undefined;
  }
}

function isFacts(facts: unknown): facts is StoredFacts {
  if (typeof facts !== 'object' || facts === null) return false;
  const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null;
  return (
    'role' in facts &&
    typeof facts.role === 'string' &&
    'timers' in facts &&
    isMap(facts.timers) &&
    'flags' in facts &&
    isMap(facts.flags)
  );
}
