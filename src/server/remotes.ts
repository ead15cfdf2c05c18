/** The remotes of the configuration, as requests are matched against them. */
import { X509Certificate } from 'node:crypto';
import type { Config } from '../config/schema.js';
import { nameKey, zoneKey } from '../protocol/name.js';
import { pinOf } from '../tls/pin.js';
import type { Peer } from '../transfer/peer.js';
import { addressOctets } from '../transport/address.js';

/** A remote; plain data. */
export interface Remote {
  readonly name: string;
  /** Its addresses in hexadecimal; those of names of hosts are not among them. undefined: it may come from anywhere. */
  readonly addresses: ReadonlySet<string> | undefined;
  /** The name of its key, as zoneKey() writes it. */
  readonly key: string | undefined;
  /** The pins and the name that its certificate must match. */
  readonly tls: { readonly pins: readonly string[]; readonly name: string | undefined } | undefined;
}

/** Finds remotes by their names, as requests are matched against them now. */
export interface KnownRemotes {
  get(name: string): Remote | undefined;
}

/** By name. Names of hosts match nobody: remote-hosts.ts puts addresses in their places. */
export function remotesOf({ remotes }: Pick<Config, 'remotes'>): ReadonlyMap<string, Remote> {
  return new Map(
    remotes.map(({ name, addresses, key, tls }) => [
      name,
      {
        name,
        addresses: addresses.length === 0 ? undefined : new Set(addresses.flatMap(addressKeys)),
        key: key && zoneKey(key),
        tls: tls && { pins: tls.pins, name: tls.name?.replace(/\.$/, '') },
      },
    ]),
  );
}

/**
 * Whether the peer is the remote: all that the remote gives must match, its addresses, its key, and its certificate where the peer has
 * shown one. Only listeners of `transfer.listen` ask for a certificate; the other settings in `tls` are for connections to the remote.
 */
export function isRemote({ addresses, key, tls }: Remote, peer: Peer): boolean {
  if (addresses !== undefined && !addresses.has(Buffer.from(peer.address).toString('hex'))) return false;
  if (key !== undefined && (peer.key === undefined || nameKey(peer.key.name) !== key)) return false;
  if (tls !== undefined && peer.certificate !== undefined) return isCertified(tls, peer.certificate);
  // A remote that gives nothing but a certificate has to show it.
  return addresses !== undefined || key !== undefined;
}

function isCertified({ pins, name }: NonNullable<Remote['tls']>, der: Uint8Array): boolean {
  const certificate = new X509Certificate(der);
  if (pins.length > 0) return pins.includes(pinOf(certificate.publicKey));
  return name === undefined || certificate.checkHost(name) !== undefined;
}

function addressKeys(text: string): string[] {
  const octets = new Uint8Array(16);
  const length = addressOctets(text, octets);
  return length === 0 ? [] : [Buffer.from(octets.subarray(0, length)).toString('hex')];
}
