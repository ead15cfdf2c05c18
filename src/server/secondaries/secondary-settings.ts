/** Makes the settings of the secondary zones from the configuration: remotes with their secrets, and limits. */
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import { zoneKey } from '../../protocol/name.js';
import { readAuthorities } from '../../tls/authorities.js';
import { type Certificate, readCertificate } from '../../tls/certificates.js';
import { configuredKey } from '../plane/tsig-secrets.js';
import type { PrimarySettings, PrimaryTls, TransferLimits } from './primary-settings.js';

/** Connections to one primary: a large zone shall not keep the others waiting. A guess. */
const CONNECTIONS = 4;

type ConfiguredRemote = Config['remotes'][number];

/** Limits of transfers in. */
export function transferLimits({ transfer }: Pick<Config, 'transfer'>): TransferLimits {
  return {
    max: transfer.max_in,
    maxPerPeer: Math.min(CONNECTIONS, transfer.max_in),
    idleTimeout: transfer.idle_timeout,
    timeout: transfer.timeout,
    maxOctets: transfer.max_octets,
    minRefresh: transfer.min_refresh,
    maxRefresh: transfer.max_refresh,
  };
}

/**
 * A remote, with the settings for asking it. Throws ADOTD_FILE, ADOTD_TLS or ADOTD_CONFIG when its key or one of its files cannot be used:
 * an unsigned question may be answered by anybody.
 */
export function primaryOf(remote: ConfiguredRemote, { tsig }: Pick<Config, 'tsig'>): PrimarySettings {
  const { name, addresses, port, source: sources, tls } = remote;
  const wanted = remote.key && zoneKey(remote.key);
  const key = tsig.find((one) => zoneKey(one.name) === wanted);
  if (wanted !== undefined && key === undefined)
    throw new AdotdError(ErrorCode.CONFIG, `its key ${remote.key} cannot be used`);
  return {
    name,
    addresses,
    port: tls === undefined ? port : tls.port,
    key: key && configuredKey(key),
    sources,
    tls: tls && primaryTls(tls),
  };
}

function primaryTls({ pins, ca, name, cert, key_file, alpn }: NonNullable<ConfiguredRemote['tls']>): PrimaryTls {
  return {
    pins,
    ca: ca === undefined ? undefined : readAuthorities(ca),
    name: name?.replace(/\.$/, ''),
    certificate:
      cert === undefined || key_file === undefined
        ? undefined
        : pairOf(readCertificate({ certFile: cert, keyFile: key_file })),
    isAlpnOptional: alpn === 'optional',
  };
}

function pairOf({ cert, key }: Certificate): NonNullable<PrimaryTls['certificate']> {
  return { cert, key };
}
