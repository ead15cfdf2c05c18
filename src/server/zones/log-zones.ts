/** What the log says of zones that were loaded. */
import type { Log } from '../../observe/log.js';
import type { ZonesReport } from './served-zones.js';
import { countOutcomes, outcomeText, type ZoneOutcome } from './zone-outcome.js';

/** Mistakes, each with its place; up to `limit` zones that have changed, one by one; and how many there are now. */
export function logZones(report: ZonesReport, milliseconds: number, limit: number, log: Log): void {
  for (const { severity, file, line, column, message } of report.diagnostics) {
    const text = `${file}:${line}:${column}: ${message}`;
    if (severity === 'error') log.error({ file, line, column }, text);
    else log.warn({ file, line, column }, text);
  }
  const changed = report.outcomes.filter(({ result }) => result !== 'unchanged');
  for (const outcome of changed) logOutcome(outcome, changed.length > limit, log);
  const { served, failed, kept, records } = report;
  const counts = countOutcomes(report.outcomes);
  const fields = { zones: served, failed, kept, records, outcomes: counts, milliseconds: Math.round(milliseconds) };
  const notes = [
    ...(failed > 0 ? [`${failed} failed and are answered with SERVFAIL`] : []),
    ...(kept > 0 ? [`${kept} of them as before, for their files have errors`] : []),
  ];
  const text = `${[`${served} zones served`, ...notes].join(', ')}; ${outcomeText(counts)}`;
  if (changed.length === 0 && limit > 0) log.debug(fields, text);
  else if (notes.length > 0) log.warn(fields, text);
  else log.info(fields, text);
}

function logOutcome(outcome: ZoneOutcome, quietly: boolean, log: Log): void {
  const { name, file, result, before, after, milliseconds } = outcome;
  const fields = { zone: name, file, result, before, after, milliseconds: Math.round(milliseconds) };
  const serial = [...new Set([before, after])].filter((one) => one !== undefined).join(' to ');
  const text = `zone ${name} ${result}${serial === '' ? '' : `, serial ${serial}`}`;
  if (quietly) log.debug(fields, text);
  else log.info(fields, text);
}
