/** Finds the zone of a name, and its primary server, as nsupdate does when no command names them. */
import { resolveSoa } from 'node:dns/promises';
import { ClientError, ClientErrorCode } from '../../client/errors.js';
import { type ExchangeOptions, exchange } from '../../client/session/exchange.js';
import { nameToText, readName, textToName } from '../../client/wire/names.js';
import type { QueryTsig } from '../../client/wire/tsig.js';
import { Type } from '../../protocol/iana.js';

/** The name and those above it, itself first, as text. */
function withAncestors(name: string): string[] {
  const wire = textToName(name);
  const names: string[] = [];
  for (let at = 0; wire[at] !== undefined && wire[at] !== 0; at += (wire[at] ?? 0) + 1)
    names.push(nameToText(wire.subarray(at)));
  return [...names, '.'];
}

/**
 * The zone that a server has for a name: the owner of the SOA record that it sends for it. Rejects with CLIENT_INPUT when it sends
 * none, and as exchange().
 */
export async function zoneAtServer(
  name: string,
  options: ExchangeOptions,
  tsig: QueryTsig | undefined,
): Promise<string> {
  for (const candidate of withAncestors(name)) {
    const query = { name: candidate, type: Type.SOA, edns: {}, ...(tsig && { tsig }) };
    const { message } = await exchange(query, options);
    const soa = [...message.answers, ...message.authority].find((record) => record.type === Type.SOA);
    if (soa !== undefined) return nameToText(readName(soa.owner, 0, soa.owner.length, false).name);
  }
  throw new ClientError(ClientErrorCode.INPUT, `the server has no zone for ${name}; name it by a line "zone NAME"`);
}

/** The host name of the primary server of a name's zone, which the system's resolver knows. Rejects with CLIENT_INPUT. */
export async function primaryOf(name: string): Promise<string> {
  for (const candidate of withAncestors(name)) {
    const soa = await resolveSoa(candidate.replace(/(.)\.$/, '$1')).catch(() => undefined);
    if (soa !== undefined) return soa.nsname;
  }
  const reason = `the resolver of this system knows no zone of ${name}`;
  throw new ClientError(ClientErrorCode.INPUT, `${reason}; name the server by a line "server ADDRESS", or by @ADDRESS`);
}
