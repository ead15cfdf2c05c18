/** `adotd probe`: tests servers over all transports. */
import { createCapabilityCache } from '../client/capabilities/capabilities.js';
import { keepCapabilities } from '../client/capabilities/capability-file.js';
import { systemClock } from '../client/client-clock.js';
import { ClientError, ClientErrorCode } from '../client/errors.js';
import { type ProbeOptions, probe as probeServer } from '../client/probe/probe.js';
import type { ProbeReport } from '../client/probe/probe-report.js';
import { readFileOrPipe } from '../zone/regular-file.js';
import { Exit, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { probeToText } from './probe-text.js';
import { VERIFICATION_OPTIONS, verificationOf } from './verification.js';

const OPTIONS = {
  zone: { type: 'string' },
  port: { type: 'string', default: '53' },
  'tls-port': { type: 'string', default: '853' },
  'tls-host': { type: 'string' },
  ...VERIFICATION_OPTIONS,
  'trust-anchor': { type: 'string' },
  timeout: { type: 'string', default: '2' },
  idle: { type: 'string', default: '3' },
  cache: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Options;

/** Servers that are probed at the same time, so that a long list does not take all descriptors; a guess. */
const AT_ONCE = 4;

export const probe: Verb = {
  help: `usage: adotd probe SERVER... [OPTION...]

Finds out what each SERVER (an address or a name) can do: which transports answer, TLS versions, ALPN, resumption,
keepalive, padding, the certificate and its TLSA records, STARTTLS and which first queries it upgrades, how sessions end,
EDNS, cookies, and whether answers are the same over all transports. It asks in cleartext, too, and takes at most 10
seconds per server. Exit status: 0 each server has a working encrypted transport, answers over UDP and TCP (or over
neither), a certificate that fits the given credentials, and equal answers; 1 a server does not, or a file cannot be
read; 2 the command line is wrong.

  --zone Z                a zone of the server (without it the probe asks for the root and compares only refusals)
  --port P                port of UDP, TCP and STARTTLS (default 53)
  --tls-port T            port of TLS (default 853)
  --tls-host NAME         the server's name, for SNI and TLSA (default: SERVER if that is a name, else from the zone)
  --tls-pin BASE64        the certificate must have this public key; may be repeated
  --tls-ca FILE           the certificate must be for the server's name, signed by the authorities in FILE (PEM)
  --trust-anchor FILE     DS or DNSKEY records of the zone that the server's name is in: its TLSA and SVCB records have
                          to be verified by DNSSEC
  --timeout S             seconds for each step (default 2)
  --idle S                how long idle sessions are watched, in seconds (default 3)
  --cache FILE            write down what works, for clients that use adotd/client
  --json                  print a list of JSON objects, one per server
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('probe', words, OPTIONS);
    if (positionals.length === 0) throw new UsageError('adotd probe: no server to probe; see adotd probe --help');
    const common = optionsOf(values);
    const { clock, cache, flush } = memory(values.cache);
    const shown = (report: ProbeReport | Failed): void => {
      if (!values.json) process.stdout.write('failed' in report ? '' : `${probeToText(report)}\n`);
      if ('failed' in report) process.stderr.write(`adotd probe: ${report.failed.message} [${report.failed.code}]\n`);
    };
    const one = (server: string) => attempt({ ...common, server, clock, capabilities: cache });
    const reports = await inTurn(positionals, one, shown);
    await flush();
    if (values.json) process.stdout.write(`${JSON.stringify(reports.map(toJson), undefined, 2)}\n`);
    return reports.every((report) => !('failed' in report) && report.ok) ? Exit.OK : Exit.FAILED;
  },
};

/** A server that could not be probed at all. */
interface Failed {
  readonly given: string;
  readonly failed: ClientError;
  /** The time of day. */
  readonly began: string;
}

async function attempt(options: ProbeOptions): Promise<ProbeReport | Failed> {
  const began = new Date().toISOString();
  try {
    return await probeServer(options);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === ClientErrorCode.INPUT) throw new UsageError(`adotd probe: ${error.message}`);
    return { given: options.server, failed: error, began };
  }
}

function toJson(report: ProbeReport | Failed): object {
  if (!('failed' in report)) return report;
  const { code, step, message } = report.failed;
  return { given: report.given, ok: false, began: report.began, error: { code, step, message } };
}

/** Works on AT_ONCE of them at a time. `shown` is called in the order of `all`. */
async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>, shown: (result: R) => void): Promise<R[]> {
  const running: Promise<R>[] = [];
  const results: R[] = [];
  for (const [index, one] of all.entries()) {
    if (index >= AT_ONCE) await running[index - AT_ONCE];
    const next = work(one);
    // A rejection is handled below, in its turn.
    next.catch(() => {});
    running.push(next);
  }
  for (const next of running) {
    const result = await next;
    shown(result);
    results.push(result);
  }
  return results;
}

function memory(file: string | undefined) {
  const clock = systemClock;
  if (file === undefined) return { clock, cache: undefined, flush: async () => {} };
  const cache = createCapabilityCache({ now: clock.now });
  const warn = (message: string): void => void process.stderr.write(`adotd probe: ${message}\n`);
  const { flush } = keepCapabilities(file, cache, clock, warn);
  return { clock, cache, flush };
}

function optionsOf(values: ReturnType<typeof parse<typeof OPTIONS>>['values']): Omit<ProbeOptions, 'server'> {
  const verification = verificationOf('probe', values);
  return {
    port: wholeNumber('probe', 'port', values.port, 1, 65_535),
    tlsPort: wholeNumber('probe', 'tls-port', values['tls-port'], 1, 65_535),
    ...(values.zone !== undefined && { zone: values.zone }),
    ...(values['tls-host'] !== undefined && { name: values['tls-host'] }),
    ...(verification.kind !== 'none' && { verification }),
    ...(values['trust-anchor'] !== undefined && { trustAnchors: anchorsIn(values['trust-anchor']) }),
    stepMs: milliseconds('timeout', values.timeout, 0.05),
    idleMs: milliseconds('idle', values.idle, 0),
  };
}

/** Octets of trust anchors at the most. A guess. */
const MAX_ANCHORS = 1024 * 1024;

function anchorsIn(file: string): string {
  return readFileOrPipe(file, '', MAX_ANCHORS).octets.toString('utf8');
}

function milliseconds(option: string, text: string, min: number): number {
  const seconds = Number(text);
  // Longer times would exceed the limit for a whole server.
  if (text.trim() === '' || !(seconds >= min && seconds <= 8))
    throw new UsageError(`adotd probe: --${option}: found ${text}, expected seconds from ${min} to 8`);
  return Math.round(seconds * 1000);
}
