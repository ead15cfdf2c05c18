/** What a fixture takes of adotd.yaml: what the file says, without the defaults, which are those of startServer(). */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { readConfig } from '../config/load.js';

type Table = Readonly<Record<string, unknown>>;

/** The settings of the file at `path`, its paths relative to the working directory. Throws ADOTD_FILE, or ConfigError. */
export function readSettings(path: string): Table {
  const whole = readConfig(path);
  const written: unknown = parse(readFileSync(path, 'utf8'));
  return isTable(written) ? writtenOf(whole, written) : {};
}

/** Of what was read, the keys that were written. */
function writtenOf(read: Table, written: Table): Table {
  return Object.fromEntries(
    Object.entries(written).map(([key, value]) => {
      const found = read[key];
      return [key, isTable(value) && isTable(found) ? writtenOf(found, value) : found];
    }),
  );
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
