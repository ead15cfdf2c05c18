/** Prints the queries that a server received, to show why a test failed. */
import { counted } from '../errors.js';
import type { QueryRecord } from '../index.js';

type QueryLine = Pick<QueryRecord, 'time' | 'transport' | 'name' | 'type' | 'rcode' | 'faults'>;

/** Queries that are printed: the last ones, because the cause of a failure is near the end. A guess: a screen and a half. */
const SHOWN = 60;

/** One line a query: `12:00:00.123 udp www.example.test A NOERROR`; several lines, each with its end. */
export function queriesToText(queries: readonly QueryLine[]): string {
  if (queries.length === 0) return 'adotd: nothing was asked during this test\n';
  const left = Math.max(0, queries.length - SHOWN);
  const head = `adotd: ${counted(queries.length, 'query', 'queries')} during this test`;
  const lines = queries.slice(left).map((query) => `  ${lineOf(query)}\n`);
  return `${head}${left > 0 ? `, the last ${SHOWN}` : ''}:\n${lines.join('')}`;
}

function lineOf({ time, transport, name, type, rcode, faults }: QueryLine): string {
  const question = name === '' ? '(no question)' : `${name} ${type}`;
  const injected = faults.length > 0 ? ` [${faults.join(', ')}]` : '';
  return `${time.toISOString().slice(11, 23)} ${transport} ${question} ${rcode ?? 'unanswered'}${injected}`;
}
