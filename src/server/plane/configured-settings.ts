/** Settings of the data plane's parts, made from the configuration. */
import { randomBytes } from 'node:crypto';
import { DEFAULT_SETTINGS, type Settings } from '../../answer/answer-settings.js';
import { Padding, UpgradeBit } from '../../answer/facts.js';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import { Opcode } from '../../protocol/iana.js';
import { nameFromText, zoneKey } from '../../protocol/name.js';
import type { ConnectionLimitSettings } from '../../session/limits.js';
import type { SessionSettings } from '../../session/session-settings.js';
import { readSmallFile } from '../../zone/regular-file.js';
import { configuredKeys } from './tsig-secrets.js';

/** Settings of respond(). Throws ADOTD_CONFIG or ADOTD_FILE for a secret file that cannot be used. */
export function answerSettings(config: Config): Settings {
  return {
    ...DEFAULT_SETTINGS,
    nsid: config.nsid === undefined ? undefined : nsidOctets(config.nsid),
    version: config.version,
    hostname: config.hostname,
    minimalResponses: config.minimal_responses,
    anyFull: config.any === 'full',
    cookieSecrets: cookieSecrets(config),
    cookiesRequired: config.cookies.mode === 'required',
    tsigKeys: configuredKeys(config),
    handedOpcodes: handedOpcodes(config),
    ...ootsSettings(config),
    reportAgent: config.report_agent === undefined ? undefined : nameFromText(config.report_agent),
  };
}

/** Clients that ask for signals get them where the operator has configured them. */
function ootsSettings({
  signals: { oots, oots_option: option, names },
}: Config): Pick<Settings, 'ootsOption' | 'ootsNames'> {
  if (oots === undefined) return { ootsOption: -1, ootsNames: [] };
  return { ootsOption: option, ootsNames: names.map((name) => nameFromText(zoneKey(name))) };
}

/** NOTIFY is for zones that come from elsewhere, UPDATE for those that somebody may change; others get NOTIMP. */
function handedOpcodes({ zones: { secondary, catalogs, policies } }: Config): number {
  const notify = secondary.length + catalogs.length > 0 ? 1 << Opcode.NOTIFY : 0;
  return notify | (policies.some(({ update }) => update.length > 0) ? 1 << Opcode.UPDATE : 0);
}

/** Settings of every stream session. */
export function sessionSettings(config: Config): SessionSettings {
  const { sessions, starttls, tls, transfer } = config;
  return {
    idleTime: sessions.idle_timeout * 1000,
    idleTimeMin: (sessions.idle_timeout_min ?? sessions.idle_timeout) * 1000,
    messageTime: sessions.message_timeout * 1000,
    handshakeTime: sessions.handshake_timeout * 1000,
    transferIdleTime: transfer.idle_timeout * 1000,
    transferTime: transfer.timeout * 1000,
    drainTime: sessions.drain_timeout * 1000,
    writeBuffer: sessions.write_buffer,
    writeBufferTotal: sessions.write_buffer_total,
    maxQueries: sessions.max_queries,
    upgradeBit: tls.enabled ? UPGRADES[starttls.upgrade] : UpgradeBit.NEVER,
    strict: starttls.strict,
  };
}

const UPGRADES = { any: UpgradeBit.IF_ASKED, dummy: UpgradeBit.DUMMY, off: UpgradeBit.NEVER } as const;
const ADVERTISEMENTS = {
  'if-asked': UpgradeBit.IF_ASKED,
  always: UpgradeBit.ALWAYS,
  never: UpgradeBit.NEVER,
} as const;
const PADDINGS = { never: Padding.NEVER, 'if-asked': Padding.IF_ASKED, 'if-edns': Padding.IF_EDNS } as const;

/** When UDP responses have the TO bit: never where TLS is not served. */
export function udpUpgradeBit(config: Config): UpgradeBit {
  return config.tls.enabled ? ADVERTISEMENTS[config.starttls.advertise_udp] : UpgradeBit.NEVER;
}

export function padding(config: Config): Padding {
  return PADDINGS[config.tls.padding];
}

/** Descriptors that are kept free for listeners, files, and Node itself. A guess: Node opens some 30. */
const DESCRIPTOR_RESERVE = 64;

/** Limits on connections, at most as many as there are descriptors. */
export function connectionLimits(config: Config, descriptors: number): ConnectionLimitSettings {
  const connections = Math.max(1, Math.min(config.sessions.max, descriptors - DESCRIPTOR_RESERVE));
  const fallback = Math.max(1000, Math.floor(connections / 10));
  return { connections, connectionsPerClient: config.sessions.max_per_client || fallback };
}

function nsidOctets(text: string): Uint8Array {
  return text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'utf8');
}

function cookieSecrets(config: Config): Uint8Array[] {
  const { mode, secrets, secret_file: file } = config.cookies;
  if (mode === 'off') return [];
  const given = [...secrets, ...(file === undefined ? [] : secretsOfFile(file))];
  return given.length > 0 ? given.map((secret) => Buffer.from(secret, 'hex')) : [randomBytes(16)];
}

function secretsOfFile(file: string): string[] {
  const text = readSmallFile(file, 'the cookie secrets').toString('latin1');
  const secrets: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const secret = line.trim();
    if (secret === '') continue;
    // The message does not quote the line: it may be a mistyped secret.
    if (!/^[0-9a-fA-F]{32}$/.test(secret)) {
      throw new AdotdError(ErrorCode.CONFIG, `${file}:${index + 1}:1: expected a secret of 32 hexadecimal digits`);
    }
    secrets.push(secret);
  }
  if (secrets.length === 0)
    throw new AdotdError(ErrorCode.CONFIG, `${file}:1:1: expected at least one secret, the file is empty`);
  return secrets;
}
