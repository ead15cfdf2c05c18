/** The verbs of the command, `adotd VERB …`, and the messages of their errors. */
import { nearest } from '../config/nearest.js';
import { AdotdError, ErrorCode, isError, systemReason } from '../errors.js';
import { sourceStack } from '../observe/source-stack.js';
import { unblockStandardStreams } from '../observe/standard-streams.js';
import { asksForHelp, isServing } from '../server/process/signals.js';
import { version } from '../version.js';
import { Exit, FailedWith, UnknownOption, UsageError, type Verbs } from './arguments.js';
import { habitOfVerb } from './habits.js';

/** The verbs of the command. */
export const VERBS: Verbs = {
  serve: {
    summary: 'answer DNS queries from zone files',
    load: async () => (await import('./serve.js')).serve,
  },
  ctl: {
    summary: 'ask or control a running server',
    load: async () => (await import('./ctl.js')).ctl,
  },
  check: {
    summary: 'check a configuration, zone files, or folders of zone files',
    load: async () => (await import('./check.js')).check,
  },
  import: {
    summary: 'make a zone file of what another server or a panel exports',
    load: async () => (await import('./import.js')).importVerb,
  },
  query: {
    summary: 'ask a server a question, over UDP, TCP, STARTTLS or TLS',
    load: async () => (await import('./query.js')).query,
  },
  update: {
    summary: 'change zones by UPDATE, with the commands of nsupdate',
    load: async () => (await import('./update.js')).update,
  },
  probe: {
    summary: 'find out what a server can do: transports, TLS, STARTTLS, equal answers',
    load: async () => (await import('./probe.js')).probe,
  },
  report: {
    summary: 'show what a trial of DNS over TLS has brought',
    load: async () => (await import('./report/report.js')).report,
  },
  keys: {
    summary: 'print the certificates and the TLSA records to publish',
    load: async () => (await import('./keys.js')).keys,
  },
  schema: {
    summary: 'print the JSON Schema of adotd.yaml',
    load: async () => (await import('./schema.js')).schema,
  },
  fixture: {
    summary: 'serve zones to the tests of a program, in any language',
    load: async () => (await import('./fixture.js')).fixture,
  },
  completion: {
    summary: 'print a script that completes these words in bash, zsh or fish',
    load: async () => (await import('./completion.js')).completionOf(VERBS),
  },
};

const HELP = `usage: adotd VERB [OPTION...]

${Object.entries(VERBS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}  ${summary}\n`)
  .join('')}
  adotd VERB --help   options of a verb
  adotd version       version; also --version, -V, -v
`;

const VERSION_OPTIONS = ['--version', '-V', '-v'];

async function main(words: readonly string[]): Promise<number> {
  const [verb, ...rest] = words;
  if (verb === 'version' || VERSION_OPTIONS.includes(verb ?? '')) return printVersion();
  // `adotd help serve` is `adotd serve --help`.
  if (verb === 'help' && rest.length > 0) return main([...rest, '--help']);
  if (verb === '--help' || verb === '-h' || verb === 'help') {
    process.stdout.write(HELP);
    return Exit.OK;
  }
  if (verb === undefined) {
    process.stderr.write(HELP);
    return Exit.USAGE;
  }
  const entry = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (entry === undefined) {
    const near = nearest(verb, Object.keys(VERBS));
    const hint = habitOfVerb(verb) ?? (near === undefined ? 'see adotd --help' : `did you mean ${near}?`);
    throw new UsageError(`adotd: unknown verb ${verb}; ${hint}`);
  }
  const known = await entry.load();
  if (asksForHelp(rest)) {
    process.stdout.write(known.help);
    return Exit.OK;
  }
  if (rest.length === 1 && VERSION_OPTIONS.includes(rest[0] ?? '')) return printVersion();
  return known.run(rest);
}

/** The error of an unknown option, with the verbs that have it, if there are some; other errors as they are. */
async function withVerbs(error: unknown): Promise<unknown> {
  if (error instanceof FailedWith) return new FailedWith(error.status, await withVerbs(error.cause));
  if (!(error instanceof UnknownOption)) return error;
  const having: string[] = [];
  for (const [name, { load }] of Object.entries(VERBS)) {
    if (Object.hasOwn((await load()).options, error.option.replace(/^--/, ''))) having.push(`adotd ${name}`);
  }
  return having.length === 0 ? error : error.with(`it is one of ${having.join(', ')}; see adotd ${error.verb} --help`);
}

function printVersion(): number {
  process.stdout.write(`adotd ${version()}\n`);
  return Exit.OK;
}

/** Prints an error in the operator's terms, and returns the exit status. */
function report(error: unknown): number {
  if (error instanceof FailedWith) {
    report(error.cause);
    return error.status;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    return Exit.USAGE;
  }
  // The folder was removed while this program was started in it.
  if (saysOf(error, /\buv_cwd\b/)) {
    process.stderr.write(
      `adotd: the working directory does not exist any more: start in another one [${ErrorCode.FILE}]\n`,
    );
    return Exit.FAILED;
  }
  if (error instanceof AdotdError) {
    const located = error.code === ErrorCode.CONFIG || error.code === ErrorCode.ZONE_INVALID;
    if (located && 'diagnostics' in error) process.stderr.write(`${error.message}\n`);
    else process.stderr.write(`adotd: ${error.message} [${error.code}]\n`);
    return Exit.FAILED;
  }
  // Threads open the files of all their modules at once.
  if (saysOf(error, /\b(?:EMFILE|ENFILE)\b/)) {
    const remedy = 'raise the limit (ulimit -n; LimitNOFILE of systemd), or lower `workers`';
    process.stderr.write(`adotd: too many open files: ${remedy} [${ErrorCode.LISTEN}]\n`);
    return Exit.FAILED;
  }
  process.stderr.write(`adotd: ${isError(error) ? sourceStack(error) : error}\n`);
  return Exit.FAILED;
}

/** Whether the message of the error, or of its cause, matches. */
function saysOf(error: unknown, pattern: RegExp): boolean {
  if (!isError(error)) return false;
  return pattern.test(error.message) || saysOf(error.cause, pattern);
}

/** Runs the command with these words; fulfilled with the exit status. */
export async function command(words: readonly string[]): Promise<number> {
  // Before anything else uses them.
  if (isServing(words)) unblockStandardStreams();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that ends early (`adotd check … | head`) is no error.
    if (error.code === 'EPIPE') return;
    // At once: otherwise a program would wait for the line "ready" in vain.
    process.stderr.write(`adotd: cannot write to standard output: ${systemReason(error)}\n`);
    process.exit(Exit.FAILED);
  });
  return main(words).catch(async (error: unknown) => report(await withVerbs(error)));
}
