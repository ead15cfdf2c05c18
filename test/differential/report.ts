/** Prints the result of a run. */
import { queryToText } from './queries.js';
import type { Difference, Finding, Result } from './run.js';
import { showAnswer } from './view.js';

/** Questions a cell of the table must have: 50 in a short run, 5,000 from 400,000 questions on. */
function leastPerCell(count: number): number {
  return Math.min(5000, Math.max(50, Math.floor(count / 80)));
}

function showFinding({ zone, verdict }: Finding): string {
  const lines = [`zone ${zone.name} (${zone.model.signing}), ${queryToText(verdict.query)}`];
  for (const fault of verdict.faults) lines.push(`by itself: ${fault}`);
  for (const [peer, list] of verdict.differences) for (const line of list) lines.push(`${peer}: ${line}`);
  for (const [name, answer] of verdict.answers) lines.push(`${name}: ${showAnswer(answer)}`);
  return lines.map((line) => `    ${line.replaceAll('\n', '\n    ')}`).join('\n');
}

/** The differences of one kind, most frequent first, with up to `examples` examples each. */
export function showDifferences(
  { differences }: Pick<Result, 'differences'>,
  againstUs: boolean,
  examples: number,
): string {
  const kinds = [...differences].filter(([, difference]) => difference.againstUs === againstUs);
  kinds.sort(([, a], [, b]) => b.count - a.count);
  const show = ([kind, difference]: [string, Difference]): string =>
    [`${difference.count} × ${kind}`, ...difference.examples.slice(0, examples).map(showFinding)].join('\n');
  return kinds.map(show).join('\n');
}

/** Why the run failed; an empty list when it passed. */
export function failures(result: Result): string[] {
  const out: string[] = [];
  for (const [kind, { count, againstUs }] of result.differences)
    if (againstUs) out.push(`${count} against us: ${kind}`);
  out.push(...result.table.thin(leastPerCell(result.questions)).map((cell) => `thin cell: ${cell}`));
  return out;
}

export function summary(result: Result): string {
  const against = [...result.differences.values()].filter((difference) => difference.againstUs);
  const sum = (list: readonly Difference[]): number => list.reduce((total, { count }) => total + count, 0);
  const some = sum([...result.differences.values()]) - sum(against);
  const lines = [
    `seed ${result.seed}: ${result.questions} questions about ${result.zones} zones`,
    `answered by ${result.path}`,
    `not asked about: ${result.unsignable.length} zones the signer refused, ${result.refused.length} refusals by servers`,
    ...result.restarts
      .filter(([, n]) => n > 0)
      .map(([peer, n]) => `${peer} stopped answering and was restarted: ${n} times`),
    '',
    result.table.toText(),
    '',
    `all three agree with us: ${result.agreed}; some do, or one differs that alone can judge: ${some}; none does: ${sum(against)}`,
    ...[...result.rules].map(([rule, count]) => `normalised by "${rule}": ${count}`),
  ];
  return lines.join('\n');
}
