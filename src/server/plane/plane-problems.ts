/** Faults in the data plane that do not keep queries from being answered: lines for the status. */
import type { PlaneStatus } from './data-plane.js';

/** One line for each kind of fault that the TLS engines have counted. Each is a mistake of ours, which cost one connection. */
export function planeProblems({ tlsEngine }: PlaneStatus): string[] {
  if (tlsEngine === undefined) return [];
  const { refused, leftovers, callbackMistakes } = tlsEngine;
  const faults = [
    [refused, 'calls for connections that it does not have'],
    [leftovers, 'turns that left octets for the network'],
    [callbackMistakes, 'callbacks that failed'],
  ] as const;
  return faults
    .filter(([count]) => count > 0)
    .map(
      ([count, what]) =>
        `the TLS engine counts ${what}: ${count}. This is a mistake in adotd, please report it; \`streams: node\` avoids it`,
    );
}
