/** What the pieces of the server are given, made from the configuration. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DEFAULT_SETTINGS, type Settings } from '../answer/settings.js';
import type { Config } from '../config/schema.js';
import { AdotdError, ErrorCode } from '../errors.js';
import { nameFromText } from '../protocol/name.js';
import type { ConnectionLimitSettings } from '../session/limits.js';
import type { SessionSettings } from '../session/session.js';
import { systemReason } from './zone-source.js';

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
    reportAgent: config.report_agent === undefined ? undefined : nameFromText(config.report_agent),
  };
}

/** Settings of every stream session. */
export function sessionSettings(config: Config): SessionSettings {
  const { sessions } = config;
  return {
    idleTime: sessions.idle_timeout * 1000,
    messageTime: sessions.message_timeout * 1000,
    writeBuffer: sessions.write_buffer,
    drainTime: sessions.drain_timeout * 1000,
  };
}

/** Limits on connections. */
export function connectionLimits(config: Config): ConnectionLimitSettings {
  return { connections: config.sessions.max, connectionsPerClient: config.sessions.max_per_client };
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
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read the cookie secrets ${file}: ${systemReason(error)}`, {
      cause: error,
    });
  }
  const secrets: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const secret = line.trim();
    if (secret === '') continue;
    // What was found is not repeated: it may be a secret with a typing mistake.
    if (!/^[0-9a-fA-F]{32}$/.test(secret)) {
      throw new AdotdError(ErrorCode.CONFIG, `${file}:${index + 1}:1: expected a secret of 32 hexadecimal digits`);
    }
    secrets.push(secret);
  }
  if (secrets.length === 0)
    throw new AdotdError(ErrorCode.CONFIG, `${file}:1:1: expected at least one secret, the file is empty`);
  return secrets;
}
