#!/usr/bin/env node
/**
 * The program `adotd`. Node opens the files of many modules at once, and ends with a stack if it cannot: the limit is checked before they
 * are loaded.
 */
import { descriptorLimit } from '../server/process/descriptor-limit.js';

/** Measured: Node opens between 112 and 128 files at once to load the modules; a server with one worker then has 34 open. */
const LEAST = 128;

const limit = descriptorLimit();
if (limit < LEAST) {
  const remedy = 'raise it (ulimit -n; LimitNOFILE of systemd)';
  process.stderr.write(
    `adotd: only ${limit} files may be open, expected at least ${LEAST}: ${remedy} [ADOTD_LISTEN]\n`,
  );
  process.exitCode = 1;
} else {
  const { command } = await import('./command.js');
  process.exitCode = await command(process.argv.slice(2));
}
