#!/usr/bin/env node
/**
 * The program `adotd`. Before it loads the module of a verb, it handles signals, and checks how many files may be open: Node opens the
 * files of many modules at once, and ends with a stack if it cannot. The modules imported here are small and import nothing else, so that
 * this begins within milliseconds.
 */
import { descriptorLimit } from '../server/process/descriptor-limit.js';
import { handleSignals, isServing } from '../server/process/signals.js';

const words = process.argv.slice(2);
handleSignals(isServing(words));

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
  process.exitCode = await command(words);
}
