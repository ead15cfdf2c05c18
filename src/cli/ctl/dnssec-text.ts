/** The text of `adotd ctl dnssec status` about zones that are signed. */
import type { DnssecStatus } from '../../server/signing/signing-status.js';
import { duration } from '../ctl-text.js';

type KeyStatus = DnssecStatus['keys'][number];

const RECORDS = [
  ['dnskey', 'DNSKEY'],
  ['krrsig', 'signature over keys'],
  ['zrrsig', 'signatures over the zone'],
  ['ds', 'DS'],
] as const;

/** The word before the reason of a state; for other states, it is `waits`. */
const REASONS: Readonly<Partial<Record<DnssecStatus['state'], string>>> = { failed: 'FAILED', signed: 'BOGUS' };

/** `now`: seconds since 1970. */
export function signingText(zones: readonly DnssecStatus[], now: number): string {
  if (zones.length === 0) return 'no zone is signed here\n';
  return zones.map((zone) => zoneText(zone, now)).join('\n');
}

function zoneText(status: DnssecStatus, now: number): string {
  const { zone, keys, reason, warning, lastParentLook: look } = status;
  const { foreignKeys = [], lastSignersLook: signers } = status;
  const facts = [
    stateText(status),
    ...(status.signaturesDue === undefined ? [] : [`signatures due ${when(status.signaturesDue, now)}`]),
    ...(status.next === undefined ? [] : [`next step ${when(status.next, now)}`]),
  ];
  const lines = [
    `${zone}: ${facts.join('; ')}`,
    ...(reason === undefined ? [] : [`  ${REASONS[status.state] ?? 'waits'}: ${reason}`]),
    ...(warning === undefined ? [] : [`  WARNING: ${warning}`]),
    ...keys.flatMap((key) => keyLines(zone, key)),
    ...foreignKeys.map(({ text }) => `  ${text}`),
    ...(signers === undefined ? [] : [`  other signers, ${duration(now - signers.at)} ago: ${signers.text}`]),
    ...(look === undefined ? [] : [`  parent, ${duration(now - look.at)} ago: ${look.text}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** `signed, policy default`. */
export function stateText({ state, policy, isFrozen }: DnssecStatus): string {
  const by = policy === undefined ? '' : `, policy ${policy}`;
  const words = {
    unsigned: 'unsigned',
    signed: 'signed',
    waiting: 'not signed yet',
    leaving: 'is to be unsigned',
    failed: 'cannot be signed; what was signed before is served',
  } as const;
  return `${words[state]}${by}${isFrozen ? ', FROZEN' : ''}`;
}

function keyLines(zone: string, { id, title, records, role, waits, ds }: KeyStatus): string[] {
  const states = RECORDS.filter(([record]) => hasRecord(role, record)).map(([record, name]) => {
    return `${name} ${records[record]}`;
  });
  // The operator needs the text of the DS record to publish it, and later to check it.
  const isAsked = records.ds === 'rumoured' || records.ds === 'omnipresent';
  return [
    `  ${title}`,
    `    id ${id}; ${states.join(', ')}`,
    ...waits.map((text) => `    ${text}`),
    ...(role !== 'zsk' && isAsked ? [`    ${zone} DS ${ds}`] : []),
  ];
}

function hasRecord(role: KeyStatus['role'], record: (typeof RECORDS)[number][0]): boolean {
  return role === 'csk' || (role === 'ksk' ? record !== 'zrrsig' : record === 'dnskey' || record === 'zrrsig');
}

function when(time: number, now: number): string {
  const text = new Date(time * 1000).toISOString().replace('.000Z', 'Z');
  return time <= now ? 'now' : `in ${duration(time - now)} (${text})`;
}
