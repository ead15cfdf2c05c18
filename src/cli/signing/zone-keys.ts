/** `adotd keys zone NAME`: the facts for the registrar of a zone that is signed here, as a fragment of a zone file with comments. */
import type { DnssecStatus } from '../../server/signing/signing-status.js';
import { stateText } from '../ctl/dnssec-text.js';

type KeyStatus = DnssecStatus['keys'][number];

export function zoneKeysText(status: DnssecStatus): string {
  const { zone, reason, warning, keys } = status;
  const lines = [
    `; zone ${zone}: ${stateText(status)}`,
    ...(warning === undefined ? [] : [`;   WARNING: ${warning}`]),
    ...(reason === undefined ? [] : [`;   ${reason}`]),
    ...keys.flatMap((key) => [`; ${key.title}`, ...key.waits.map((text) => `;   ${text}`), ...recordLines(zone, key)]),
  ];
  return `${lines.join('\n')}\n`;
}

function recordLines(zone: string, { role, ds, dnskey, records }: KeyStatus): string[] {
  const key = `${zone} DNSKEY ${dnskey}`;
  // The parent knows the others by their signatures over the DNSKEY RRset.
  if (role === 'zsk') return [];
  if (records.ds === 'hidden') return [`; not now: ${zone} DS ${ds}`];
  if (records.ds === 'unretentive') return [`; to be removed: ${zone} DS ${ds}`];
  return [`${zone} DS ${ds}`, key];
}
