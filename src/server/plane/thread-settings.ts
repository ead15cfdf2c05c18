/** Settings of the threads that answer, made from the configuration: plain data, so that they can be posted. */

import { randomFillSync } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../../answer/answer-settings.js';
import type { Padding, UpgradeBit } from '../../answer/facts.js';
import { type RateLimitSettings, rateLimitWords } from '../../answer/rate-limit.js';
import type { Config } from '../../config/schema.js';
import { counted } from '../../errors.js';
import { compileAccess } from '../../image/access.js';
import type { Log } from '../../observe/log.js';
import { prefixFromText } from '../../protocol/prefix.js';
import { type ConnectionLimitSettings, type SharedLimits, sharedLimits } from '../../session/limits.js';
import type { SessionSettings } from '../../session/session-settings.js';
import { fastOpenObstacle } from '../../transport/fast-open.js';
import { descriptorLimit } from '../process/descriptor-limit.js';
import { answerSettings, connectionLimits, padding, sessionSettings, udpUpgradeBit } from './configured-settings.js';
import { type TransferSettings, transferSettings } from './transfer-settings.js';

/** For all threads of a server; plain data and shared memory. */
export interface RateLimit {
  readonly settings: RateLimitSettings;
  /** Shared memory, made by rateLimitWords(). */
  readonly words: Int32Array;
}

export interface ThreadSettings {
  readonly answers: Settings;
  /** undefined: responses are not limited. */
  readonly rateLimit: RateLimit | undefined;
  readonly padding: Padding;
  /** Octets: the UDP payload limit. */
  readonly udpPayload: number;
  readonly udpUpgradeBit: UpgradeBit;
  readonly sessions: SessionSettings;
  /** For the whole process; counted in memory that all threads share. */
  readonly connections: ConnectionLimitSettings;
  readonly shared: SharedLimits;
  /** undefined: nobody may transfer zones. */
  readonly transfers: TransferSettings | undefined;
  /** Transfers of the whole process are counted here. */
  readonly sharedTransfers: SharedLimits;
  /** Milliseconds that our FIN waits for the client's; undefined: it does not wait. */
  readonly withholdFin: number | undefined;
  /** Connections that may wait with TCP Fast Open; 0: it is off. */
  readonly fastOpen: number;
  /** The limit on open files of the process; Infinity where it is not known. */
  readonly descriptors: number;
}

/** `sockets`: descriptors of sockets of the process. Throws as answerSettings() does; logs the settings that are impossible here. */
export function threadSettings(config: Config, sockets: number, log: Log): ThreadSettings {
  const descriptors = descriptorLimit();
  const connections = connectionLimits(config, descriptors - sockets);
  if (connections.connections < config.sessions.max) {
    log.info(
      { descriptors, connections: connections.connections },
      `${counted(connections.connections, 'connection')} at most, not ${config.sessions.max}: the limit on open files is ${descriptors} (ulimit -n)`,
    );
  }
  const obstacle = config.tcp.fast_open > 0 ? fastOpenObstacle() : undefined;
  if (obstacle !== undefined) log.info({}, `TCP Fast Open is off: ${obstacle}`);
  return {
    answers: answerSettings(config),
    rateLimit: rateLimitOf(config),
    padding: padding(config),
    udpPayload: config.udp.payload,
    udpUpgradeBit: udpUpgradeBit(config),
    sessions: sessionSettings(config),
    connections,
    shared: sharedLimits(),
    transfers: transferSettings(config),
    sharedTransfers: sharedLimits(),
    withholdFin: config.sessions.time_wait === 'client' ? config.sessions.drain_timeout * 1000 : undefined,
    fastOpen: obstacle === undefined ? config.tcp.fast_open : 0,
    descriptors,
  };
}

/**
 * The settings of a running server's threads under another configuration; undefined when they stay the same. Counts and random secrets
 * are kept, so that clients keep their cookies and connections their places. Throws as answerSettings() does.
 */
export function changedSettings(
  running: ThreadSettings,
  before: Config,
  config: Config,
  sockets: number,
): ThreadSettings | undefined {
  const answers = answerSettings(config);
  const keptCookies = drawnCookies(before) && drawnCookies(config);
  const sameLimit = JSON.stringify(before.rate_limit) === JSON.stringify(config.rate_limit);
  const settings: ThreadSettings = {
    ...running,
    answers: keptCookies ? { ...answers, cookieSecrets: running.answers.cookieSecrets } : answers,
    rateLimit: sameLimit ? running.rateLimit : rateLimitOf(config),
    padding: padding(config),
    sessions: sessionSettings(config),
    connections: connectionLimits(config, running.descriptors - sockets),
    transfers: transferSettings(config),
  };
  return isDeepStrictEqual(settings, running) ? undefined : settings;
}

/** Whether the secret of cookies was made at random at the start. */
function drawnCookies({ cookies }: Config): boolean {
  return cookies.mode !== 'off' && cookies.secrets.length === 0 && cookies.secret_file === undefined;
}

/** undefined: nothing is limited. All accounts begin anew, under a new secret. */
export function rateLimitOf({ rate_limit: limit }: Pick<Config, 'rate_limit'>): RateLimit | undefined {
  if (limit.mode === 'off') return undefined;
  const settings: RateLimitSettings = {
    responses: limit.responses_per_second,
    all: limit.all_per_second,
    window: limit.window,
    slip: limit.slip,
    ipv4Prefix: limit.ipv4_prefix,
    ipv6Prefix: limit.ipv6_prefix,
    exempt: limit.exempt.length === 0 ? undefined : compileAccess(limit.exempt.map(prefixFromText), []),
    logOnly: limit.mode === 'log',
    secret: randomFillSync(new Int32Array(2)),
  };
  return { settings, words: rateLimitWords(limit.size) };
}
