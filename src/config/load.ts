/** Reads adotd.yaml: every mistake with its place, what was found and what was expected. */
import { dirname, isAbsolute, join } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';
import { readFileOrPipe, readSmallFile } from '../zone/regular-file.js';
import { ALIAS_CYCLE, aliasCycles } from './alias-cycles.js';
import { describe, type Path, unknownKey } from './issues.js';
import { type Config, configSchema } from './schema.js';

/** ADOTD_CONFIG with every mistake of the file; the message has one line for each. */
export class ConfigError extends AdotdError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(ErrorCode.CONFIG, diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}

/** Octets: a configuration file beyond this is taken for something else. A guess, far above any real one. */
const MAX_CONFIG = 4 * 1024 * 1024;

/** A configuration as it was read. */
export interface ReadConfig {
  readonly config: Config;
  /** Of the file. */
  readonly text: string;
  /** It came from a pipe, as of a process substitution of a shell: it cannot be read again. */
  readonly pipe: boolean;
}

/**
 * Reads the file, or the pipe, at `path`. Paths in it become relative to the working directory; those of a pipe, which lies in no
 * folder that one could mean, are so already. Throws ADOTD_FILE, or ConfigError.
 */
export function openConfig(path: string): ReadConfig {
  const { octets, pipe } = readFileOrPipe(path, '', MAX_CONFIG);
  const text = octets.toString('utf8');
  return { config: fromFolder(parseConfig(text, path), pipe ? '' : dirname(path)), text, pipe };
}

/** openConfig() for who wants only what it says. */
export function readConfig(path: string): Config {
  return openConfig(path).config;
}

/** As readConfig, of a regular file only: a server that waits for what somebody writes to a pipe serves nobody. */
export function rereadConfig(path: string): Config {
  return fromFolder(parseConfig(readConfigText(path), path), dirname(path));
}

function readConfigText(path: string): string {
  return readSmallFile(path, '', MAX_CONFIG).toString('utf8');
}

/** The configuration with its paths, which are relative to `folder`, relative to the working directory. */
function fromFolder(config: Config, folder: string): Config {
  const from = (name: string): string => (isAbsolute(name) ? name : join(folder, name));
  const { zones, cookies, tls, query_log: queryLog, dnstap } = config;
  if (zones.folder !== undefined) zones.folder = from(zones.folder);
  for (const zone of zones.files) zone.file = from(zone.file);
  if (cookies.secret_file !== undefined) cookies.secret_file = from(cookies.secret_file);
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
 * Where values stand in the YAML of `file`; `text`: what was read of it, else it is read again. A value that is not there is where
 * its map is. Throws ADOTD_FILE.
 */
export function configPlaces(
  file: string,
  text = readConfigText(file),
): (keys: Path) => Pick<Diagnostic, 'file' | 'line' | 'column'> {
  const lines = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return (keys) => {
    const { line, col } = lines.linePos(nodeAt(contents, keys)?.range[0] ?? 0);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
}

/** Reads the text of a configuration file; `file` is what messages name. Throws ConfigError. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const found: Diagnostic[] = [...document.errors, ...document.warnings].map((error) => ({
    severity: 'error',
    file,
    ...place(error.pos[0]),
    message: `not YAML: ${error.message}`,
  }));
  for (const { source, range } of aliasCycles(document)) {
    found.push({ severity: 'error', file, ...place(range?.[0] ?? 0), message: `*${source}: ${ALIAS_CYCLE}` });
  }
  if (found.length > 0) throw new ConfigError(found);

  const value: unknown = toValue(() => document.toJS({ maxAliasCount: 100 }), file);
  const result = configSchema.safeParse(value ?? {});
  if (result.success) return result.data;
  const { contents } = document;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const at = place(keyOffset(contents, issue.path, key));
        found.push({ severity: 'error', file, ...at, message: unknownKey(issue.path, key) });
      }
    } else {
      const at = place(nodeAt(contents, issue.path)?.range[0] ?? 0);
      found.push({ severity: 'error', file, ...at, message: describe(issue, value) });
    }
  }
  throw new ConfigError(found.sort((a, b) => a.line - b.line || a.column - b.column));
}

function toValue(read: () => unknown, file: string): unknown {
  try {
    return read();
  } catch (error) {
    const message = `not YAML: ${messageOf(error)}`;
    throw new ConfigError([{ severity: 'error', file, line: 1, column: 1, message }]);
  }
}

function nodeAt(contents: ParsedNode | null, path: Path): ParsedNode | undefined {
  let node: ParsedNode | undefined = contents ?? undefined;
  for (const key of path) {
    if (!node || !('get' in node)) return node;
    const next: unknown = node.get(typeof key === 'symbol' ? String(key) : key, true);
    // A key that is missing is reported where the map stands that lacks it.
    if (!isNode(next) || !next.range) return node;
    node = next as ParsedNode;
  }
  return node;
}

function keyOffset(contents: ParsedNode | null, path: Path, key: string): number {
  const map = nodeAt(contents, path);
  if (isMap(map)) {
    for (const pair of map.items) {
      if (isScalar(pair.key) && String(pair.key.value) === key && pair.key.range) return pair.key.range[0];
    }
  }
  return map?.range[0] ?? 0;
}
