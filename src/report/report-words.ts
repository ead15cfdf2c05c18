/** The report in words: a paragraph that can be read out. */
import { counted } from '../errors.js';
import type { ClientsOfDay } from './clients-by-day.js';
import type { Figures } from './figures.js';
import type { Following } from './following.js';
import type { ReportData } from './report-data.js';

export function reportWords(figures: Figures, clients: readonly ClientsOfDay[]): string {
  const { queries, transports, handshakes } = figures;
  if (queries === 0) return 'Nothing was asked in this time.';
  const [udp, starttls, tls] = [transports.udp!, transports.starttls!, transports.tls!];
  const inside = starttls.queries + tls.queries;
  const sentences = [`TLS carried ${percent(inside / queries)} of ${counted(queries, 'query', 'queries')}`];
  const cost = ratioOf(tls.cpu_per_query_with_handshakes, udp.cpu_per_query);
  if (cost !== undefined) sentences[0] += ` at ${cost} times the CPU of UDP, handshakes included`;
  const [full, resumed, failed] = (['full', 'resumed', 'failed'] as const).map((kind) =>
    Object.values(handshakes).reduce((sum, path) => sum + path[kind], 0),
  );
  const all = full! + resumed! + failed!;
  if (all > 0) {
    const parts = `${full} full, ${resumed} resumed, ${failed} failed`;
    sentences.push(`Handshakes: ${parts} (${percent(failed! / all)})`);
  }
  const failures = answersThatFailed(figures);
  const inClear = counted(failures.cleartext, 'query', 'queries');
  sentences.push(`SERVFAIL was the answer to ${inClear} in the clear and to ${failures.inside} inside TLS`);
  const same = wordsOnComparison(figures);
  if (same !== undefined) sentences.push(same);
  const followed = wordsOnFollowing(figures.following);
  if (followed !== undefined) sentences.push(followed);
  const last = clients.at(-1);
  if (last !== undefined && last.all > 0) {
    const asked = counted(last.all, 'client');
    sentences.push(`On ${last.day} about ${asked} asked, about ${last.inside} of them inside TLS`);
  }
  return `${sentences.join('. ')}.`;
}

/** Whether answers are the same over all transports; undefined: none were compared. */
function wordsOnComparison({ transports }: Figures): string | undefined {
  const sum = (key: 'compared' | 'different'): number =>
    Object.values(transports).reduce((all, one) => all + one[key], 0);
  if (sum('compared') === 0) return undefined;
  const compared = counted(sum('compared'), 'answer');
  return `${compared} were compared with those over another transport: ${sum('different')} differed`;
}

/** Whether clients that tried TLS come back to it; undefined: none tried. */
function wordsOnFollowing({
  tried_tls,
  completed_tls,
  came_back_to_tls,
  after_handshakes,
}: Following): string | undefined {
  if (tried_tls === 0) return undefined;
  const back = `Of ${counted(tried_tls, 'client')} that tried TLS, ${completed_tls} completed a handshake, and ${came_back_to_tls} came back for another`;
  const failed = Object.entries(after_handshakes).filter(([end]) => end !== 'full' && end !== 'resumed');
  const sum = (key: 'handshakes' | 'asked_in_clear' | 'came_back'): number =>
    failed.reduce((all, [, after]) => all + after[key], 0);
  if (sum('handshakes') === 0) return back;
  const failures = counted(sum('handshakes'), 'failed handshake');
  return `${back}. After ${failures}, the client asked in the clear ${times(sum('asked_in_clear'))}, and came back to TLS ${times(sum('came_back'))}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : counted(count, 'time');
}

/** Notes on the servers that a reader of their report needs: a sentence each. */
export function notesOn(sources: readonly ReportData[]): string[] {
  const unstored = sources.filter(({ stored }) => !stored);
  return unstored.map(({ server }) => `${server} has no state: what was before its last start is not known.`);
}

function answersThatFailed({ transports }: Figures): { cleartext: number; inside: number } {
  const failed = (name: string): number => transports[name]?.answers.failed ?? 0;
  return { cleartext: failed('udp') + failed('tcp'), inside: failed('starttls') + failed('tls') };
}

/** `12 %`; more digits where there are few. */
export function percent(part: number): string {
  const value = part * 100;
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(2)} %`;
}

function ratioOf(one: number | null, other: number | null): string | undefined {
  return one === null || other === null || other === 0 ? undefined : (one / other).toFixed(1);
}
