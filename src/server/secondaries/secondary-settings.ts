/** From the configuration to what the secondary zones are told: remotes with their secrets, limits. */
import type { Config } from '../../config/schema.js';
import { zoneKey } from '../../protocol/name.js';
import { readPem } from '../../tls/pem.js';
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
 * The remotes of these names. One whose files cannot be used is left out, and `report` is told: its zones stay as they are, and say that
 * it is not configured.
 */
export function primariesOf(
  config: Pick<Config, 'remotes' | 'tsig'>,
  names: ReadonlySet<string>,
  report: (remote: string, error: unknown) => void,
): PrimarySettings[] {
  return config.remotes.flatMap((remote) => {
    if (!names.has(remote.name)) return [];
    try {
      return [primaryOf(remote, config)];
    } catch (error) {
      report(remote.name, error);
      return [];
    }
  });
}

function primaryOf(remote: ConfiguredRemote, { tsig }: Pick<Config, 'tsig'>): PrimarySettings {
  const { name, addresses, port, source: sources, tls } = remote;
  const wanted = remote.key && zoneKey(remote.key);
  const key = tsig.find((one) => zoneKey(one.name) === wanted);
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
  const text = (file: string, what: string): string =>
    readPem(file, what)
      .map((block) => block.text)
      .join('');
  return {
    pins,
    ca: ca === undefined ? undefined : text(ca, 'the authorities of a remote'),
    name: name?.replace(/\.$/, ''),
    certificate:
      cert === undefined || key_file === undefined
        ? undefined
        : { cert: text(cert, 'the certificate for a remote'), key: text(key_file, 'the key for a remote') },
    isAlpnOptional: alpn === 'optional',
  };
}
