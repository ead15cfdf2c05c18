/** The counters for people: those that are not zero, by transport and name. */
import { Kind, Limited, Transport } from '../../answer/facts.js';
import { Rcode } from '../../protocol/iana.js';
import { SessionEvent } from '../../session/session-end.js';
import { TransportEvent } from '../../transport/transport.js';
import { Flag, RCODES } from './counter-layout.js';
import type { Counters } from './counters.js';

export type Summary = Record<string, Record<string, number>>;

/** The counts by transport and name, without zeros. */
export function summaryOf(counters: Counters): Summary {
  const summary: Summary = {};
  for (const [name, transport] of Object.entries(Transport)) {
    const group = transportSummary(counters, transport);
    if (group.messages !== undefined) summary[name.toLowerCase()] = group;
  }
  const events: Record<string, number> = {};
  for (const [name, event] of Object.entries(TransportEvent)) put(events, name.toLowerCase(), counters.events(event));
  for (const [name, event] of Object.entries(SessionEvent))
    put(events, name.toLowerCase(), counters.sessionEvents(event));
  if (Object.keys(events).length > 0) summary.events = events;
  return summary;
}

function transportSummary(counters: Counters, transport: Transport): Record<string, number> {
  const group: Record<string, number> = {};
  put(group, 'messages', counters.flagged(transport, 0));
  for (const [name, kind] of Object.entries(Kind)) put(group, name.toLowerCase(), counters.kind(transport, kind));
  for (let rcode = 0; rcode < RCODES; rcode++) put(group, rcodeName(rcode), counters.rcode(transport, rcode));
  put(group, 'truncated', counters.flagged(transport, Flag.TRUNCATED));
  put(group, 'edns', counters.flagged(transport, Flag.EDNS));
  put(group, 'do', counters.flagged(transport, Flag.DNSSEC_OK));
  put(group, 'wildcard', counters.flagged(transport, Flag.WILDCARD));
  for (const [name, limited] of Object.entries(Limited)) {
    put(group, `limit_${name.toLowerCase()}`, counters.limited(transport, limited));
  }
  put(group, 'octets_in', counters.requestSizes(transport).sum);
  put(group, 'octets_out', counters.responseSizes(transport).sum);
  return group;
}

/** The summary on one line: `udp: messages=3 answer=2 …; tcp: …`. */
export function summaryText(summary: Summary): string {
  const groups = Object.entries(summary).map(([name, group]) => {
    const counts = Object.entries(group).map(([key, value]) => `${key}=${value}`);
    return `${name}: ${counts.join(' ')}`;
  });
  return groups.length > 0 ? groups.join('; ') : 'nothing was asked yet';
}

function put(group: Record<string, number>, name: string, value: number): void {
  if (value > 0) group[name] = value;
}

const RCODE_NAMES = new Map<number, string>(Object.entries(Rcode).map(([name, value]) => [value, name]));

/** The mnemonic of an RCODE, `RCODE7` where it has none here. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
