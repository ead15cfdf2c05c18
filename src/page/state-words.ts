/** The state of a server in one line. */
import type { Overview, RunningOverview, ShownCertificate } from './contract.js';
import { countedText, durationText } from './format.js';

/** The parts of the line about the state, the most important first; `level`: for its colour. */
interface StateWords {
  readonly level: 'ok' | 'warning' | 'critical';
  /** `serving`. */
  readonly word: string;
  readonly parts: readonly string[];
}

export function stateWords(overview: Overview): StateWords {
  const now = overview.at / 1000;
  const up = `up ${durationText(now - overview.since)}`;
  if (overview.state === 'starting')
    return { level: 'warning', word: 'starting', parts: ['zones are being loaded', up] };
  const parts = [
    ...(overview.health === 'ok' ? [] : [overview.health]),
    ...zoneParts(overview.zones),
    ...certificateParts(overview.certificates, now),
    overview.problems.length === 0 ? 'no problems' : countedText(overview.problems.length, 'problem'),
    ...(overview.restart.length === 0 ? [] : ['a restart is needed']),
    up,
  ];
  const word = overview.state === 'draining' ? 'draining' : overview.zones.served > 0 ? 'serving' : 'serving nothing';
  return { level: overview.health, word, parts };
}

function zoneParts({ served, failed, kept, waiting }: RunningOverview['zones']): string[] {
  return [
    countedText(served, 'zone'),
    ...(failed > 0 ? [`${countedText(failed, 'zone')} failed`] : []),
    ...(kept > 0 ? [`${countedText(kept, 'zone')} kept as before`] : []),
    ...(waiting > 0 ? [`${countedText(waiting, 'zone')} not transferred yet`] : []),
  ];
}

/** Of the certificate that ends first. */
function certificateParts(certificates: readonly ShownCertificate[], now: number): string[] {
  const [first] = [...certificates].sort((one, other) => one.expires - other.expires);
  if (first === undefined) return ['no certificate'];
  const early = certificates.find(({ begins }) => begins > now);
  if (first.expires <= now) return [`certificate EXPIRED ${durationText(now - first.expires)} ago`];
  if (early !== undefined) return [`certificate not valid for another ${durationText(early.begins - now)}`];
  return [`certificate good for ${durationText(first.expires - now)}`];
}
