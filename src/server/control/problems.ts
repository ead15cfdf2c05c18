/** The problems of a server, a line for each, for its status and for the page. */
import { formatDiagnostic } from '../../zone/diagnostics.js';
import { planeProblems } from '../plane/plane-problems.js';
import type { Server } from '../server.js';

/** Problems that are listed; the status of the zones has all of theirs. A guess. */
const MAX_PROBLEMS = 20;

export function problemsOf({ plane, reloader, loaded, life }: Server): string[] {
  return [
    ...planeProblems(plane.status),
    ...reloader.problems,
    ...life.secondaries.problems,
    ...life.catalogs.problems,
    ...(life.signing?.known.problems ?? []),
    ...(life.signals?.problems ?? []),
    ...zoneProblems(loaded),
  ].slice(0, MAX_PROBLEMS);
}

/** The errors of zones that are not served from the present content of their files. */
function zoneProblems(loaded: Server['loaded']): string[] {
  const wrong = loaded.status().filter(({ state }) => state !== 'served');
  return wrong.flatMap(({ diagnostics }) =>
    diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic),
  );
}
