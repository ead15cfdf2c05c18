/** Reads adotd.yaml, and reports every mistake with its place. */
import { dirname, isAbsolute, join } from 'node:path';
import type { Diagnostic } from '../zone/diagnostics.js';
import { readFileOrPipe, readSmallFile } from '../zone/regular-file.js';
import { ConfigError } from './config-error.js';
import { describe, type Path, unknownKey } from './issues.js';
import { takeRemoved } from './removed-keys.js';
import { type Config, configSchema } from './schema.js';
import { openYaml, type Place } from './yaml.js';

/** Octets: a larger file is no configuration. A guess, far above any real one. */
const MAX_CONFIG = 4 * 1024 * 1024;

/** Gets each warning about a configuration that can be used. */
type Warn = (warning: Diagnostic) => void;

/** A configuration as it was read. */
interface ReadConfig {
  readonly config: Config;
  /** Content of the file. */
  readonly text: string;
  /** Whether it came from a pipe, such as a shell's process substitution: then it cannot be read again. */
  readonly pipe: boolean;
}

/**
 * Reads the file or the pipe at `path`. Paths in a file are relative to its folder, paths in a pipe to the working directory; the result
 * has all of them relative to the working directory. Throws ADOTD_FILE, or ConfigError.
 */
export function openConfig(path: string, warn?: Warn): ReadConfig {
  const { octets, pipe } = readFileOrPipe(path, '', MAX_CONFIG);
  const text = octets.toString('utf8');
  return { config: fromFolder(parseConfig(text, path, warn), pipe ? '' : dirname(path)), text, pipe };
}

/** The configuration of openConfig() alone. */
export function readConfig(path: string): Config {
  return openConfig(path).config;
}

/** As readConfig(), but only from a regular file: a server must not stop and wait for somebody to write to a pipe. */
export function rereadConfig(path: string, warn?: Warn): Config {
  return fromFolder(parseConfig(readConfigText(path), path, warn), dirname(path));
}

function readConfigText(path: string): string {
  return readSmallFile(path, '', MAX_CONFIG).toString('utf8');
}

/** Makes the paths of the configuration, which are relative to `folder`, relative to the working directory. */
function fromFolder(config: Config, folder: string): Config {
  const from = (name: string): string => (isAbsolute(name) ? name : join(folder, name));
  const { state, remotes, transfer, zones, cookies, tsig, tls, query_log: queryLog, dnstap } = config;
  if (state?.folder !== undefined) state.folder = from(state.folder);
  for (const { tls: peer } of remotes) {
    if (peer?.ca !== undefined) peer.ca = from(peer.ca);
    if (peer?.cert !== undefined) peer.cert = from(peer.cert);
    if (peer?.key_file !== undefined) peer.key_file = from(peer.key_file);
  }
  for (const listener of transfer.listen) listener.client_ca = from(listener.client_ca);
  if (zones.folder !== undefined) zones.folder = from(zones.folder);
  for (const zone of zones.files) zone.file = from(zone.file);
  if (cookies.secret_file !== undefined) cookies.secret_file = from(cookies.secret_file);
  for (const key of tsig) if (key.secret_file !== undefined) key.secret_file = from(key.secret_file);
  for (const certificate of tls.certificates) {
    certificate.cert = from(certificate.cert);
    certificate.key = from(certificate.key);
  }
  if (tls.ticket_key_file !== undefined) tls.ticket_key_file = from(tls.ticket_key_file);
  tls.certs_folder = from(tls.certs_folder);
  if (config.control.socket !== undefined) config.control.socket = from(config.control.socket);
  if (queryLog.file !== undefined) queryLog.file = from(queryLog.file);
  if (dnstap.socket !== undefined) dnstap.socket = from(dnstap.socket);
  if (dnstap.file !== undefined) dnstap.file = from(dnstap.file);
  return config;
}

/**
 * Places of the values in a configuration file. The place of a missing value is that of the map that lacks it. `text`: the content of
 * the file; if it is not given, the file is read. Throws ADOTD_FILE.
 */
export function configPlaces(file: string, text = readConfigText(file)): (keys: Path) => Place {
  return openYaml(text, file).placeOf;
}

/** Reads the text of a configuration file; messages name `file`. Throws ConfigError. */
export function parseConfig(text: string, file: string, warn?: Warn): Config {
  const yaml = openYaml(text, file);
  const value = yaml.value();
  for (const { path, message } of takeRemoved(value)) {
    warn?.({ severity: 'warning', ...yaml.placeOfKey(path), message });
  }
  const result = configSchema.safeParse(value ?? {});
  if (result.success) return result.data;
  const found = result.error.issues.flatMap((issue): Diagnostic[] => {
    if (issue.code !== 'unrecognized_keys') {
      return [{ severity: 'error', ...yaml.placeOf(issue.path), message: describe(issue, value) }];
    }
    return issue.keys.map((key) => ({
      severity: 'error',
      ...yaml.placeOfKey([...issue.path, key]),
      message: unknownKey(issue.path, key),
    }));
  });
  throw new ConfigError(found.sort((a, b) => a.line - b.line || a.column - b.column));
}
