#!/usr/bin/env node
/**
 * The program `adotd`. Node reads the files of all modules at once, and ends with a stack where it cannot open so many: that is
 * looked at before they are loaded.
 */
import { descriptorLimit } from '../server/process/descriptor-limit.js';

/** Measured: node opens between 112 and 128 files at once to load the modules; a server with one worker then has 34 open. */
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
