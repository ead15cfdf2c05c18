/**
 * SVCB records of nameservers (RFC 9460, RFC 9461): they tell resolvers that a nameserver speaks DNS over TLS, and on which port.
 * NOT here: other transports (DNS over HTTPS and QUIC), and AliasMode.
 */
import { DOT_PORT, Type } from '../protocol/iana.js';
import { nameFromText } from '../protocol/name.js';
import { rdataToText } from '../protocol/rdata/print.js';
import { RECORD_TTL } from './tlsa.js';

/** Keys of parameters (RFC 9460 §14.3.2), in the order that the wire format wants. */
const Parameter = { ALPN: 1, PORT: 3, IPV4HINT: 4, IPV6HINT: 6 } as const;
/** ServiceMode; a lower number is tried first (RFC 9460 §2.4.1). A nameserver has one service of this kind. */
const PRIORITY = 1;
/** ALPN of DNS over TLS (RFC 7858). */
const DOT = Buffer.from('dot');

/**
 * The operator's estimate of how much of all queries each transport can take (draft-johani-dnsop-svcb-oots-00 §2), independent percentages.
 */
interface TransportShares {
  /** Number of the SvcParamKey `oots`. */
  readonly key: number;
  readonly do53?: number | undefined;
  readonly dot?: number | undefined;
}

/** How a nameserver is reached over TLS. */
interface DotService {
  readonly port: number;
  /** RDATA of the A and AAAA records of the nameserver; empty: no hints. */
  readonly ipv4: readonly Uint8Array[];
  readonly ipv6: readonly Uint8Array[];
  readonly shares?: TransportShares | undefined;
}

/** Owner of the SVCB records of a nameserver: `_dns.` and its name. DNS servers of NS records have port 53 (RFC 9461 §3). */
export function svcbOwner(nameserver: string): string {
  return nameserver === '.' ? '_dns.' : `_dns.${nameserver}`;
}

/**
 * RDATA of the record. `nameserver` is absolute, and is the target: the target `.` would stand for the owner, which has no address. The
 * port is left out where it is that of DNS over TLS (RFC 9461 §4.2).
 */
export function svcbRdata(nameserver: string, { port, ipv4, ipv6, shares }: DotService): Uint8Array {
  const parameters: [number, Uint8Array][] = [[Parameter.ALPN, Uint8Array.of(DOT.length, ...DOT)]];
  if (port !== DOT_PORT) parameters.push([Parameter.PORT, Uint8Array.of(port >> 8, port & 255)]);
  if (ipv4.length > 0) parameters.push([Parameter.IPV4HINT, inOrder(ipv4)]);
  if (ipv6.length > 0) parameters.push([Parameter.IPV6HINT, inOrder(ipv6)]);
  if (shares !== undefined) parameters.push([shares.key, sharesValue(shares)]);
  const parts = parameters.map(([key, value]) =>
    Uint8Array.of(key >> 8, key & 255, value.length >> 8, value.length & 255, ...value),
  );
  return Buffer.concat([Uint8Array.of(0, PRIORITY), nameFromText(nameserver), ...parts]);
}

/** The record to paste into a zone file. */
export function svcbRecord(nameserver: string, service: DotService, ttl = RECORD_TTL): string {
  return `${svcbOwner(nameserver)} ${ttl} IN SVCB ${rdataToText(Type.SVCB, svcbRdata(nameserver, service))}`;
}

/** An entry for each transport: the length of its identifier, that, and the percentage. */
function sharesValue({ do53, dot }: TransportShares): Uint8Array {
  const entry = (id: string, percent: number | undefined): readonly number[] =>
    percent === undefined ? [] : [id.length, ...Buffer.from(id), percent];
  return Uint8Array.from([...entry('do53', do53), ...entry('dot', dot)]);
}

/** The shares of a configuration; undefined: it has none. */
export function configuredShares({ oots, oots_key: key }: ConfiguredShares): TransportShares | undefined {
  return oots && { key, ...oots };
}

interface ConfiguredShares {
  readonly oots?: Omit<TransportShares, 'key'> | undefined;
  readonly oots_key: number;
}

/** The addresses, always in the same order: the same addresses make the same record. */
function inOrder(addresses: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...addresses].sort(Buffer.compare));
}
