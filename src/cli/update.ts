/** `adotd update`: changes zones by UPDATE (RFC 2136), with the commands of nsupdate. */
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import { ClientError, ClientErrorCode } from '../client/errors.js';
import { messageToText, recordToText, transportToText } from '../client/exchange-text.js';
import type { Exchange, ExchangeOptions } from '../client/session/exchange.js';
import { rcodeAndReasons } from '../client/session/reply.js';
import { sendUpdate } from '../client/update/send-update.js';
import { classToText } from '../client/wire/mnemonics.js';
import { nameToText, textToName } from '../client/wire/names.js';
import { WordError } from '../client/wire/rdata/rdata-words.js';
import { readRdata } from '../client/wire/rdata/table.js';
import { version } from '../version.js';
import { readFileOrPipe } from '../zone/regular-file.js';
import { Exit, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { tsigOf } from './tsig/query-tsig.js';
import { primaryOf, zoneAtServer } from './update/find-zone.js';
import { fromNsupdate } from './update/nsupdate-words.js';
import {
  nameIn,
  type PendingUpdate,
  type ScriptActions,
  UpdateScript,
  type UpdateServer,
} from './update/update-script.js';
import { VERIFICATION_OPTIONS, verificationOf } from './verification.js';

const OPTIONS = {
  server: { type: 'string' },
  port: { type: 'string' },
  transport: { type: 'string' },
  tls: { type: 'boolean' },
  ...VERIFICATION_OPTIONS,
  'tls-host': { type: 'string' },
  timeout: { type: 'string', default: '5' },
  tries: { type: 'string', default: '3' },
  tsig: { type: 'string' },
  'tsig-file': { type: 'string' },
  check: { type: 'boolean' },
  debug: { type: 'boolean' },
} as const satisfies Options;

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

/** Exit statuses beside those of every verb. */
const UpdateExit = {
  /** As for `adotd query`. */
  NOT_ENCRYPTED: 3,
  /** The server answered, with an RCODE other than NOERROR. */
  REFUSED: 4,
  /** As for `adotd query`. */
  NO_REPLY: 9,
} as const;

/** Octets of a file of commands. A guess: a million lines. */
const MAX_FILE = 64 * 1024 * 1024;

export const update: Verb = {
  help: `usage: adotd update [FILE] [@SERVER] [OPTION...]

Changes zones by UPDATE (RFC 2136). Reads commands from FILE, or from standard input; they are those of nsupdate. A FILE is
checked as a whole before anything is sent. Exit status: 0 all updates were made; 1 a file cannot be read; 2 the command line or a
command is wrong; 3 no acceptable encrypted session; 4 the server refused an update; 9 no usable answer.

  server SERVER     where to send; a port may follow (default: the primary server of the zone)
  zone NAME         the zone (default: that which the server has for the first name)
  class CLASS       of zone and records (default IN)
  ttl SECONDS       for records without one; none: each has to have its own
  key NAME SECRET   sign (RFC 8945); NAME may begin with the algorithm: hmac-sha512:NAME
  prereq nxdomain NAME   a name must not be in use
  prereq yxdomain NAME   a name must be in use
  prereq nxrrset NAME TYPE   an RRset must not exist
  prereq yxrrset NAME TYPE [DATA]   an RRset must exist; several lines with DATA: these records and no others
  update add NAME [SECONDS] [CLASS] TYPE DATA   add a record; its whole RRset gets the TTL
  update delete NAME [TYPE [DATA]]   delete a record, an RRset, or all RRsets of a name
  send              send what has been collected; so does an empty line
  show              print what has been collected
  answer            print the last answer
  debug             print each answer

The words prereq and update may be left out. A line that begins with a semicolon is a comment.

  --server SERVER   address or name of the server; @SERVER is the same
  --port P          default 53, with tls 853
  --transport udp|tcp|starttls|tls   default tcp; over udp, an update whose answer is lost is sent again
  --tls             the same as --transport tls
  --timeout S       seconds for each step (default 5)
  --tries N         how often an update is sent over UDP (default 3)
  --tsig [ALGORITHM:]NAME:SECRET   sign the updates (default hmac-sha256, the secret in base64), and accept only answers signed with
                    the same key; -y is the same
  --tsig-file FILE  the same with a key file of BIND; -k is the same
  --tls-ca FILE     accept only certificates for the server's name, signed by the authorities in FILE (PEM)
  --tls-host NAME   the server's name, for SNI and the certificate (default: SERVER if that is a name)
  --tls-pin BASE64  accept only this public key (SHA-256 of the SubjectPublicKeyInfo); may be repeated
  --check           check the commands, and send nothing
  --debug           print each answer; -d is the same
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('update', fromNsupdate(words), OPTIONS);
    const files = positionals.filter((word) => !word.startsWith('@'));
    if (files.length > 1) throw wrong(`several files: ${files.join(' ')}`);
    const run = new Run(values, serverOf(values, positionals));
    const [file = '-'] = files;
    return file === '-' ? await run.standardInput() : await run.file(file);
  },
};

function serverOf(values: Values, positionals: readonly string[]): UpdateServer {
  const named = [
    ...positionals.filter((word) => word.startsWith('@')).map((word) => word.slice(1)),
    ...(values.server === undefined ? [] : [values.server]),
  ];
  if (named.includes('')) throw wrong('no server behind @; give an address or a name');
  if (named.length > 1) throw wrong(`several servers: ${named.join(' ')}`);
  const port = values.port === undefined ? undefined : wholeNumber('update', 'port', values.port, 1, 65_535);
  return { address: named[0], port };
}

function wrong(message: string): UsageError {
  return new UsageError(`adotd update: ${message}`);
}

/** One run of the verb. */
class Run implements ScriptActions {
  readonly #values: Values;
  readonly #options: Omit<ExchangeOptions, 'server'>;
  readonly #isChecking: boolean;
  readonly #server: UpdateServer;
  /** Where the lines come from, for messages. */
  #source = '';
  #line = 0;
  #status: number = Exit.OK;

  constructor(values: Values, server: UpdateServer) {
    this.#values = values;
    this.#server = server;
    this.#options = optionsOf(values);
    this.#isChecking = values.check ?? false;
  }

  async standardInput(): Promise<number> {
    this.#source = 'standard input';
    const isAsking = isatty(0);
    const script = this.#script(this);
    const lines = createInterface({ input: process.stdin, ...(isAsking && { output: process.stderr, prompt: '> ' }) });
    if (isAsking) lines.prompt();
    for await (const line of lines) {
      this.#line++;
      if (!(await this.#runLine(script, line)) && !isAsking) break;
      if (this.#isAtEnd) break;
      if (isAsking) lines.prompt();
    }
    lines.close();
    return this.#end(script);
  }

  async file(file: string): Promise<number> {
    const text = readFileOrPipe(file, '', MAX_FILE).octets.toString('utf8');
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === '') lines.pop();
    this.#source = file;
    // A first run, without effects, finds all mistakes.
    const silent = { send: async () => undefined, show() {}, answer() {}, print() {} };
    await this.#lines(this.#script(silent), lines, true);
    if (this.#status !== Exit.OK || this.#isChecking) return this.#status;
    return await this.#lines(this.#script(this), lines, false);
  }

  async #lines(script: UpdateScript, lines: readonly string[], goesOn: boolean): Promise<number> {
    this.#isAtEnd = false;
    for (const [i, line] of lines.entries()) {
      this.#line = i + 1;
      if (!(await this.#runLine(script, line)) && !goesOn) break;
      if (this.#isAtEnd) break;
    }
    return this.#end(script);
  }

  #isAtEnd = false;

  #script(actions: ScriptActions): UpdateScript {
    const { tsig, 'tsig-file': file, debug = false } = this.#values;
    return new UpdateScript(actions, { server: this.#server, key: tsigOf('update', tsig, file), isDebugging: debug });
  }

  /** Whether the line could be carried out; mistakes are printed. */
  async #runLine(script: UpdateScript, line: string): Promise<boolean> {
    try {
      this.#isAtEnd = !(await script.run(line));
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const column = error instanceof WordError ? `:${error.at + 1}` : '';
      this.#say(
        `${this.#source}:${this.#line}${column}: ${error.message}${error instanceof WordError ? '' : ` [${error.code}]`}`,
      );
      this.#status = statusOf(error);
      return false;
    }
  }

  #end(script: UpdateScript): number {
    if (script.waiting > 0 && this.#status !== Exit.USAGE && !isFailed(this.#status)) {
      this.#say(
        `${this.#source}: found no "send" behind the last changes, expected it, or an empty line; they were not sent`,
      );
      this.#status = Exit.USAGE;
    }
    return this.#status;
  }

  #say(message: string): void {
    process.stderr.write(`adotd update: ${message}\n`);
  }

  async send(update: PendingUpdate, isDebugging: boolean): Promise<Exchange | undefined> {
    if (this.#isChecking) return undefined;
    const address = update.server.address ?? (await primaryOf(update.zone ?? nameIn(update)));
    const { port } = update.server;
    const options = {
      ...this.#options,
      server: { address, ...(port !== undefined && { port }) },
      tls: tlsOf(this.#values, address),
    };
    const time = Math.floor(Date.now() / 1000);
    const tsig = update.key && { ...update.key, time };
    const zone = update.zone ?? (await zoneAtServer(nameIn(update), options, tsig));
    const done = await sendUpdate({ ...update, zone, tsig }, options);
    if (isDebugging) process.stdout.write(`${messageToText(done.message)}\n\n${transportToText(done)}\n\n`);
    if (done.message.rcode !== 0) {
      this.#say(
        `${this.#source}:${this.#line}: ${zone}: the server answered ${rcodeAndReasons(done.message)}; nothing of this update was changed`,
      );
      this.#status = UpdateExit.REFUSED;
    }
    return done;
  }

  show(update: PendingUpdate): void {
    const lines = (records: PendingUpdate['changes']): string =>
      records.map((record) => `${recordToText(shown(record))}\n`).join('');
    const zone = update.zone === undefined ? ';(to be found out)' : `;${nameToText(textToName(update.zone))}`;
    process.stdout.write(
      `;; ZONE SECTION:\n${zone}\t\t${classToText(update.class)}\tSOA\n\n;; PREREQUISITE SECTION:\n${lines(update.prerequisites)}\n;; UPDATE SECTION:\n${lines(update.changes)}\n`,
    );
  }

  answer(last: Exchange | undefined): void {
    process.stdout.write(last === undefined ? ';; no answer yet\n' : `${messageToText(last.message)}\n\n`);
  }

  print(what: 'version' | 'help'): void {
    process.stdout.write(what === 'version' ? `adotd ${version()}\n` : update.help);
  }
}

function isFailed(status: number): boolean {
  return status === UpdateExit.NOT_ENCRYPTED || status === UpdateExit.NO_REPLY;
}

function shown(record: PendingUpdate['changes'][number]): Parameters<typeof recordToText>[0] {
  const owner = textToName(record.name);
  const { rdata } = record;
  const data = rdata.length === 0 ? '' : readRdata(record.type, rdata, 0, rdata.length).text;
  return { ...record, owner, name: nameToText(owner), data };
}

function statusOf(error: ClientError): number {
  if (error.code === ClientErrorCode.INPUT) return Exit.USAGE;
  const codes: readonly string[] = [ClientErrorCode.HANDSHAKE, ClientErrorCode.CERTIFICATE, ClientErrorCode.NO_UPGRADE];
  return error.step === 'handshake' || codes.includes(error.code) ? UpdateExit.NOT_ENCRYPTED : UpdateExit.NO_REPLY;
}

function optionsOf(values: Values): Omit<ExchangeOptions, 'server'> {
  const { tls = false } = values;
  const transport = values.transport ?? (tls ? 'tls' : 'tcp');
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'starttls' && transport !== 'tls')
    throw wrong(`--transport: found ${transport}, expected udp, tcp, starttls or tls`);
  if (tls && transport !== 'tls') throw wrong(`--tls and --transport ${transport} exclude each other`);
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= 3600)) throw wrong(`--timeout: found ${values.timeout}, expected seconds, above 0`);
  const isVerified = verificationOf('update', values).kind !== 'none';
  if (isVerified && transport !== 'tls' && transport !== 'starttls')
    throw wrong(`--tls-ca and --tls-pin need --transport tls or starttls, found ${transport}`);
  return {
    transport,
    timeoutMs: seconds * 1000,
    tries: wholeNumber('update', 'tries', values.tries, 1, 100),
    upgrade: { withoutOffer: 'fail' },
  };
}

function tlsOf(values: Values, server: string): NonNullable<ExchangeOptions['tls']> {
  const name = values['tls-host'] ?? (/[a-z]/i.test(server) && !server.includes(':') ? server : undefined);
  return { verification: verificationOf('update', values), ...(name !== undefined && { name }) };
}
