/** `adotd query`: asks a server one question, over any transport, and shows the answer. */
import { ClientError, ClientErrorCode } from '../client/errors.js';
import { exchangeToJson, messageToText, transportToText } from '../client/exchange-text.js';
import { type Exchange, type ExchangeOptions, exchange, notResumed } from '../client/session/exchange.js';
import type { TlsOptions, TlsTicket } from '../client/session/tls-connection.js';
import type { EdnsRequest } from '../client/wire/edns.js';
import type { Query } from '../client/wire/message.js';
import { textToClass, textToType } from '../client/wire/mnemonics.js';
import { Type } from '../protocol/iana.js';
import { Exit, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { fromDig } from './dig-words.js';
import { isTransfer, printTransfer } from './transfer/query-transfer.js';
import { tsigOf } from './tsig/query-tsig.js';
import { VERIFICATION_OPTIONS, verificationOf } from './verification.js';

const OPTIONS = {
  transport: { type: 'string', default: 'udp' },
  port: { type: 'string' },
  class: { type: 'string', default: 'IN' },
  recurse: { type: 'boolean' },
  dnssec: { type: 'boolean' },
  'edns-size': { type: 'string' },
  'no-edns': { type: 'boolean' },
  nsid: { type: 'boolean' },
  cookie: { type: 'boolean' },
  padding: { type: 'string' },
  keepalive: { type: 'boolean' },
  ...VERIFICATION_OPTIONS,
  'tls-host': { type: 'string' },
  'tls-version': { type: 'string' },
  first: { type: 'string', default: 'dummy' },
  'allow-plaintext': { type: 'boolean' },
  'ignore-truncation': { type: 'boolean' },
  timeout: { type: 'string', default: '5' },
  tries: { type: 'string', default: '3' },
  resume: { type: 'string' },
  json: { type: 'boolean' },
  short: { type: 'boolean' },
  tsig: { type: 'string' },
  'tsig-file': { type: 'string' },
} as const satisfies Options;

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

/** Exit statuses beside those of every verb. */
const QueryExit = {
  /** No acceptable encrypted session: the handshake failed, the certificate does not fit, or STARTTLS is not offered. */
  NOT_ENCRYPTED: 3,
  /** No usable answer; dig has the same status. */
  NO_REPLY: 9,
} as const;

export const query: Verb = {
  help: `usage: adotd query NAME [TYPE] [CLASS] [@SERVER] [OPTION...]

Asks SERVER (default 127.0.0.1) for NAME and TYPE (default A). Prints the answer and details of the transport. AXFR transfers
the zone NAME, IXFR=SERIAL what has changed in it since SERIAL, over TCP unless --transport says starttls or tls. Exit
status: 0 an answer came, whatever its RCODE; 1 a file cannot be read; 2 the command line is wrong; 3 no acceptable
encrypted session (handshake, certificate, no offer of STARTTLS); 9 no usable answer.

  --transport udp|tcp|starttls|tls   default udp; after a truncated answer it asks again over TCP
  --port P                default 53, for tls 853
  --class C               IN (default), CH, HS, ANY or CLASS123
  --recurse               set RD
  --timeout S             seconds for each step (default 5)
  --tries N               how often a query is sent over UDP (default 3)
  --ignore-truncation     show a truncated answer as it is
  --json                  print a JSON object instead; with --resume a list of objects
  --short                 print only the data of the answer section

  --tsig [ALGORITHM:]NAME:SECRET   sign the query (RFC 8945; default hmac-sha256, the secret in base64), and accept only an
                          answer signed with the same key; -y is the same
  --tsig-file FILE        the same with a key file of BIND; -k is the same

  --dnssec                set DO
  --edns-size N           UDP payload size to offer, in octets (default 1232)
  --no-edns               leave EDNS out
  --nsid                  ask for the name of the server's instance
  --cookie                send a client cookie
  --keepalive             ask how long a session may be idle (not with udp)
  --padding N             pad the query to a multiple of N octets inside TLS (default 128, 0: no padding)

  --tls-ca FILE           accept only certificates for the server's name, signed by the authorities in FILE (PEM)
  --tls-host NAME         the server's name, for SNI and the certificate (default: SERVER if that is a name)
  --tls-pin BASE64        accept only this public key (SHA-256 of the SubjectPublicKeyInfo); may be repeated
  --tls-version 1.2|1.3   only this version
  --first dummy|query     starttls: the query that is sent in plaintext before the upgrade (default: dummy,
                          STARTTLS/CH/TXT; query shows NAME to the network)
  --allow-plaintext       starttls: ask in plaintext when the server does not offer the upgrade
  --resume N              ask N more times, each time in a new session that resumes the one before, or say why it does not

Many options of dig and kdig do the same here: -p, -x, -t, -c, -q, -y, -k, +tcp, +tls, +dnssec, +short, +norecurse, +bufsize=N.
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('query', fromDig(words), OPTIONS);
    const { question, server } = questionOf(values, positionals);
    const options = optionsOf(values, server);
    if (isTransfer(question)) {
      if (values.resume !== undefined) throw wrong('--resume is for queries with one answer, not for zone transfers');
      return await transferred(question, options, values);
    }
    const repeats = values.resume === undefined ? 0 : numberOf('resume', values.resume, 1, 1000);
    if (repeats > 0 && !['starttls', 'tls'].includes(options.transport))
      throw wrong('--resume needs --transport starttls or tls');
    const done: Exchange[] = [];
    try {
      let ticket: TlsTicket | undefined;
      for (let i = 0; i <= repeats; i++) {
        const tls = { ...options.tls, ...(ticket !== undefined && { ticket }) };
        const one = await exchange(question, { ...options, tls });
        done.push(one);
        ticket = one.ticket;
        if (!values.json) show(one, done.at(-2), values.short ?? false);
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return failed(error, values, done);
    }
    if (values.json) printJson(values.resume === undefined ? exchangeToJson(first(done)) : listToJson(done));
    return Exit.OK;
  },
};

function first(done: readonly Exchange[]): Exchange {
  const [one] = done;
  if (one === undefined) throw new Error('nothing was asked');
  return one;
}

/** Prints an exchange. `before`: the one whose session it was to resume, if any. */
function show(done: Exchange, before: Exchange | undefined, short: boolean): void {
  const reason = before && notResumed(before, done);
  if (short) {
    process.stdout.write(done.message.answers.map(({ data }) => `${data}\n`).join(''));
    if (reason !== undefined) process.stderr.write(`adotd query: not resumed: ${reason}\n`);
    return;
  }
  const note = reason === undefined ? '' : `\n;; NOT RESUMED: ${reason}`;
  process.stdout.write(`${messageToText(done.message)}\n\n${transportToText(done)}${note}\n\n`);
}

/** Exchanges that were to resume the session of the one before, each with the reason if it did not. */
function listToJson(all: readonly Exchange[]): object[] {
  return all.map((one, index) => {
    const before = all[index - 1];
    const reason = before && notResumed(before, one);
    return { ...exchangeToJson(one), ...(reason !== undefined && { notResumed: reason }) };
  });
}

function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

function failed(error: ClientError, values: Values, done: readonly Exchange[]): number {
  if (error.code === ClientErrorCode.INPUT) throw wrong(error.message);
  if (values.json) {
    const { code, step, message } = error;
    const failure = { ended: new Date().toISOString(), error: { code, step, message } };
    printJson(values.resume === undefined ? failure : [...listToJson(done), failure]);
  }
  process.stderr.write(`adotd query: ${error.message} [${error.code}]\n`);
  const codes: readonly ClientErrorCode[] = [
    ClientErrorCode.HANDSHAKE,
    ClientErrorCode.CERTIFICATE,
    ClientErrorCode.NO_UPGRADE,
  ];
  const unencrypted = error.step === 'handshake' || codes.includes(error.code);
  return unencrypted ? QueryExit.NOT_ENCRYPTED : QueryExit.NO_REPLY;
}

function wrong(message: string): UsageError {
  return new UsageError(`adotd query: ${message}`);
}

const numberOf = (option: string, text: string, min: number, max: number): number =>
  wholeNumber('query', option, text, min, max);

function questionOf(values: Values, positionals: readonly string[]): { question: Query; server: string } {
  const servers = positionals.filter((word) => word.startsWith('@'));
  const [name, ...more] = positionals.filter((word) => !word.startsWith('@'));
  if (name === undefined) throw wrong('no name to ask for; see adotd query --help');
  // As in `dig NAME IN TXT`, a class may stand before or behind the type.
  const classText = more.find((word) => textToType(word) === undefined && textToClass(word) !== undefined);
  const [typeText = 'A', extra] = more.filter((word) => word !== classText);
  if (extra !== undefined) throw wrong(`unexpected ${extra}`);
  if (servers.includes('@')) throw wrong('no server behind @; give an address or a name');
  if (servers.length > 1) throw wrong(`several servers: ${servers.join(' ')}`);
  const serial = serialOf(typeText);
  const type = textToType(serial === undefined ? typeText : 'IXFR');
  if (type === Type.IXFR && serial === undefined)
    throw wrong('IXFR: expected the serial of the version that is there, such as IXFR=2024010100');
  if (type === undefined) throw wrong(`unknown type ${typeText}; any type can be written as TYPE123`);
  const qclass = textToClass(classText ?? values.class);
  if (qclass === undefined) throw wrong(`--class: found ${values.class}, expected IN, CH, HS, ANY or CLASS123`);
  const edns = ednsOf(values);
  const tsig = tsigOf('query', values.tsig, values['tsig-file']);
  const question = {
    name,
    type,
    class: qclass,
    recursion: values.recurse ?? false,
    ...(edns && { edns }),
    ...(tsig && { tsig }),
    ...(serial !== undefined && { serial }),
  };
  return { question, server: servers[0]?.slice(1) || '127.0.0.1' };
}

/** The serial of `IXFR=SERIAL`, as dig has it; undefined: another type. */
function serialOf(text: string): number | undefined {
  const digits = /^ixfr=(.*)$/i.exec(text)?.[1];
  return digits === undefined ? undefined : numberOf('IXFR', digits, 0, 0xffff_ffff);
}

/** Transfers a zone, and prints its records as they come. */
async function transferred(question: Query, options: ExchangeOptions, values: Values): Promise<number> {
  try {
    await printTransfer(question, options, values.json ? 'json' : values.short ? 'short' : 'text');
    return Exit.OK;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return failed(error, values, []);
  }
}

function ednsOf(values: Values): EdnsRequest | undefined {
  if (values['no-edns']) {
    const needing = (['dnssec', 'edns-size', 'nsid', 'cookie', 'keepalive', 'padding'] as const).find(
      (option) => values[option] !== undefined,
    );
    if (needing !== undefined) throw wrong(`--${needing} needs EDNS, but --no-edns leaves it out`);
    return undefined;
  }
  return {
    ...(values['edns-size'] !== undefined && { size: numberOf('edns-size', values['edns-size'], 0, 65_535) }),
    dnssec: values.dnssec ?? false,
    nsid: values.nsid ?? false,
    cookie: values.cookie ?? false,
    keepalive: values.keepalive ?? false,
    // RFC 8467 §4.1.
    padding: values.padding === undefined ? 128 : numberOf('padding', values.padding, 0, 16_384),
  };
}

function optionsOf(values: Values, server: string): ExchangeOptions {
  const { transport, first } = values;
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'starttls' && transport !== 'tls')
    throw wrong(`--transport: found ${transport}, expected udp, tcp, starttls or tls`);
  if (first !== 'dummy' && first !== 'query') throw wrong(`--first: found ${first}, expected dummy or query`);
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= 3600)) throw wrong(`--timeout: found ${values.timeout}, expected seconds, above 0`);
  const port = values.port === undefined ? undefined : numberOf('port', values.port, 1, 65_535);
  return {
    transport,
    server: { address: server, ...(port !== undefined && { port }) },
    timeoutMs: seconds * 1000,
    tries: numberOf('tries', values.tries, 1, 100),
    retryTruncated: !values['ignore-truncation'],
    tls: tlsOf(values, server),
    upgrade: {
      ...(first === 'query' && { first }),
      withoutOffer: values['allow-plaintext'] ? 'plaintext' : 'fail',
    },
  };
}

function tlsOf(values: Values, server: string): TlsOptions {
  const name = values['tls-host'] ?? (/[a-z]/i.test(server) && !server.includes(':') ? server : undefined);
  const version = values['tls-version'];
  if (version !== undefined && version !== '1.2' && version !== '1.3')
    throw wrong(`--tls-version: found ${version}, expected 1.2 or 1.3`);
  return {
    verification: verificationOf('query', values),
    ...(name !== undefined && { name }),
    ...(version !== undefined && { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` }),
  };
}
