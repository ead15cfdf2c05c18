/**
 * A change of the configuration while the server runs: which keys take effect at once and which at the next start, and which changes
 * are refused.
 */
import { statSync } from 'node:fs';
import type { Config } from '../config/schema.js';
import { AdotdError, counted, ErrorCode } from '../errors.js';
import { formatDiagnostic } from '../zone/diagnostics.js';
import type { PlaceOf } from './policies.js';
import { primaryOf } from './secondaries/secondary-settings.js';
import type { BrokenCommitment } from './signals/broken-commitments.js';

/** The part of the server that a key concerns. */
export type Effect =
  /** The zones, their checks, and the clients that may ask for them. */
  | 'zones'
  /** The threads that answer. */
  | 'answers'
  /** Certificates and keys. */
  | 'tls'
  /** The traffic between zones and other nameservers: transfers, NOTIFY, UPDATE. */
  | 'remotes'
  | 'log'
  | 'watch'
  /** Sockets, threads, the process: they are made once, at the start. */
  | 'start'
  /** Nothing: the key matters at the start only. */
  | 'none';

/** The effect of each key, or of all keys below it. A test makes sure that every key has one. */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  listen: 'start',
  port: 'start',
  tls_port: 'start',
  workers: 'start',
  streams: 'start',
  user: 'start',
  group: 'start',
  strict: 'none',
  state: 'start',
  remotes: 'remotes',
  resolver: 'remotes',
  transfer: 'remotes',
  'transfer.listen': 'start',
  zones: 'zones',
  dnssec: 'zones',
  signals: 'remotes',
  'signals.oots': 'answers',
  'signals.oots_option': 'answers',
  nsec3_max_iterations: 'zones',
  access: 'zones',
  minimal_responses: 'answers',
  any: 'answers',
  // Buffers for responses are allocated when a thread begins.
  'udp.payload': 'start',
  'udp.receive_buffer': 'start',
  'udp.send_buffer': 'start',
  'tcp.fast_open': 'start',
  rate_limit: 'answers',
  'tls.enabled': 'start',
  'tls.certificates': 'tls',
  'tls.certs_folder': 'tls',
  'tls.ticket_key_file': 'tls',
  'tls.ticket_rotation': 'tls',
  'tls.padding': 'answers',
  starttls: 'answers',
  'starttls.advertise_udp': 'start',
  sessions: 'answers',
  'sessions.time_wait': 'start',
  cookies: 'answers',
  tsig: 'answers',
  nsid: 'answers',
  version: 'answers',
  hostname: 'answers',
  report_agent: 'answers',
  control: 'start',
  watch: 'watch',
  'log.level': 'log',
  'log.format': 'start',
  query_log: 'start',
  dnstap: 'start',
  metrics: 'start',
  report: 'start',
};

/** The effect of a change of `key`, such as `tls.padding`; undefined for a key that is not in the table. */
export function effectOf(key: string): Effect | undefined {
  for (let path = key; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    if (Object.hasOwn(EFFECTS, path)) return EFFECTS[path];
  }
  return undefined;
}

/** The keys in which two configurations differ, each with its effect. Lists are compared as a whole. */
export function changedKeys(before: Config, after: Config): { readonly key: string; readonly effect: Effect }[] {
  const [old, now] = [flat(before), flat(after)];
  const keys = [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
  return keys.map((key) => ({ key, effect: effectOf(key) ?? 'start' }));
}

/** The configuration in force after a change: `after`, but with the values of `before` where only a restart can change them. */
export function inForce(before: Config, after: Config): Config {
  const value = structuredClone(after);
  for (const { key, effect } of changedKeys(before, after))
    if (effect === 'start') copyKey(before, value, key.split('.'));
  return value;
}

function copyKey(from: object, to: object, [first = '', ...rest]: readonly string[]): void {
  const [source, target]: unknown[] = [Reflect.get(from, first), Reflect.get(to, first)];
  if (rest.length > 0 && isMap(source) && isMap(target)) copyKey(source, target, rest);
  else Reflect.set(to, first, structuredClone(source));
}

/** Values as JSON, by key. */
function flat(value: object, prefix = ''): Map<string, string | undefined> {
  const all = new Map<string, string | undefined>();
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    if (isMap(inner)) for (const [key, text] of flat(inner, `${prefix}${name}.`)) all.set(key, text);
    else all.set(prefix + name, JSON.stringify(inner));
  }
  return all;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A configuration file that has changed. */
interface ChangedFile {
  readonly path: string;
  places(): PlaceOf;
}

/**
 * Throws ADOTD_CONFIG when the file is empty. An editor truncates a file before it writes, and a full disk leaves nothing: to serve
 * nothing is the worst that an authoritative server can do. A file of one comment is enough for all defaults.
 */
export function refuseEmptyFile(file: ChangedFile): void {
  if (statSync(file.path, { throwIfNoEntry: false })?.size !== 0) return;
  throw problem(
    file,
    [],
    'the file is empty; was it cut off? The old configuration stays in force: write the file again, or restart',
  );
}

/** Throws ADOTD_CONFIG for a changed configuration without zones, unless `before`, the number of zone files until now, is 0 too. */
export function refuseNoZones(file: ChangedFile, before: number): void {
  if (before === 0) return;
  const zones = `${counted(before, 'zone')} ${before === 1 ? 'is' : 'are'}`;
  const remedy = 'if this is intended, run adotd ctl reload --allow-empty, or restart';
  throw problem(
    file,
    ['zones'],
    `zones: found none, but ${zones} served; the old configuration stays in force; ${remedy}`,
  );
}

/**
 * Throws ADOTD_FILE, ADOTD_TLS or ADOTD_CONFIG when a remote is new or has changed, and its files cannot be used. A file that was named
 * before may be broken by now, which is no mistake of this change.
 */
export function refuseNewRemotes(before: Config, after: Config): void {
  const known = new Set(before.remotes.map((remote) => JSON.stringify(remote)));
  for (const remote of after.remotes) if (!known.has(JSON.stringify(remote))) primaryOf(remote, after);
}

/** Throws ADOTD_CONFIG when a key of a configuration breaks promises of signals, and the same key did not break any before. */
export function refuseBroken(
  file: ChangedFile,
  before: readonly BrokenCommitment[],
  after: readonly BrokenCommitment[],
): void {
  const known = new Set(before.map(({ key }) => key.join('.')));
  const placeOf = file.places();
  const lines = after.flatMap(({ key, message }) => {
    const name = key.join('.');
    return known.has(name)
      ? []
      : formatDiagnostic({ ...placeOf(key), severity: 'error', message: `${name}: ${message}` });
  });
  if (lines.length > 0) throw new AdotdError(ErrorCode.CONFIG, lines.join('\n'));
}

function problem({ places }: ChangedFile, keys: readonly string[], message: string): AdotdError {
  return new AdotdError(ErrorCode.CONFIG, formatDiagnostic({ severity: 'error', ...places()(keys), message }));
}
