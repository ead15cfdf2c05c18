/** The counters for people: those that are not zero, by transport and name. */
import { Kind, Limited, Transport } from '../../answer/facts.js';
import { Rcode } from '../../protocol/iana.js';
import { HandshakeEnd, SessionEnd, SessionEvent, SessionPath } from '../../session/session-end.js';
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
  for (const [name, path] of Object.entries(SessionPath)) {
    const sessions = sessionSummary(counters, path);
    if (sessions.opened === undefined) continue;
    summary[`${name.toLowerCase()}_sessions`] = sessions;
    if (path !== SessionPath.TCP) summary[`${name.toLowerCase()}_handshakes`] = handshakeSummary(counters, path);
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
  put(group, 'padding', counters.padding(transport));
  put(group, 'clients', counters.clients(transport));
  return group;
}

/** Opened = open + those that ended for each reason. */
function sessionSummary(counters: Counters, path: SessionPath): Record<string, number> {
  const group: Record<string, number> = {};
  put(group, 'opened', counters.opened(path));
  put(group, 'open', counters.open(path));
  for (const [name, end] of Object.entries(SessionEnd)) put(group, name.toLowerCase(), counters.ends(path, end));
  put(group, 'octets_in', counters.received(path));
  put(group, 'octets_out', counters.sent(path));
  return group;
}

/** Begun = under way + those that ended in each way. */
function handshakeSummary(counters: Counters, path: SessionPath): Record<string, number> {
  const group: Record<string, number> = {};
  put(group, 'begun', counters.opened(path));
  put(group, 'under_way', counters.handshaking(path));
  for (const [name, end] of Object.entries(HandshakeEnd))
    put(group, name.toLowerCase(), counters.handshakes(path, end));
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

/** The mnemonic of an RCODE, `RCODE11` where it has none here. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
