/**
 * Words of dig and kdig for `adotd query`: those that mean something here become our options; for the others, the message says what to
 * write instead. So people who know dig need no second vocabulary.
 */
import { addressOctets } from '../transport/address.js';
import { UsageError } from './arguments.js';

/** Our options for a word behind `+`; with `=`, its value follows. A text instead: why there is no such option. */
type Meaning = readonly string[] | ((value: string | undefined) => readonly string[]) | string;

const NOTHING: readonly string[] = [];
/** An option of ours that takes the value. */
const valued =
  (option: string, example: string) =>
  (value: string | undefined): readonly string[] => {
    if (value === undefined || value === '') throw wrong(`expected a value; write ${option} ${example}`);
    return [option, value];
  };
const PRINTS =
  'all sections are printed; --short prints only the data of the answer section, --json everything as JSON';

/** By the word behind `+`. */
const PLUS: Readonly<Record<string, Meaning>> = {
  tcp: ['--transport', 'tcp'],
  vc: ['--transport', 'tcp'],
  notcp: ['--transport', 'udp'],
  novc: ['--transport', 'udp'],
  tls: ['--transport', 'tls'],
  notls: NOTHING,
  starttls: ['--transport', 'starttls'],
  dnssec: ['--dnssec'],
  do: ['--dnssec'],
  nodnssec: NOTHING,
  nodo: NOTHING,
  recurse: ['--recurse'],
  rdflag: ['--recurse'],
  norecurse: NOTHING,
  nordflag: NOTHING,
  nsid: ['--nsid'],
  nonsid: NOTHING,
  cookie: ['--cookie'],
  nocookie: NOTHING,
  keepalive: ['--keepalive'],
  nokeepalive: NOTHING,
  edns: NOTHING,
  noedns: ['--no-edns'],
  bufsize: valued('--edns-size', '1232'),
  padding: (value) => (value === undefined ? NOTHING : ['--padding', value]),
  nopadding: ['--padding', '0'],
  ignore: ['--ignore-truncation'],
  noignore: NOTHING,
  short: ['--short'],
  noshort: NOTHING,
  json: ['--json'],
  time: valued('--timeout', '5'),
  timeout: valued('--timeout', '5'),
  tries: valued('--tries', '3'),
  // The first attempt is no retry.
  retry: (value) => ['--tries', /^[0-9]+$/.test(value ?? '') ? String(Number(value) + 1) : (value ?? '')],
  'tls-ca': valued('--tls-ca', 'FILE, with the authorities in PEM'),
  'tls-pin': valued('--tls-pin', 'BASE64'),
  'tls-host': valued('--tls-host', 'NAME'),
  'tls-hostname': valued('--tls-host', 'NAME'),
  'tls-sni': valued('--tls-host', 'NAME'),
  all: NOTHING,
  noall: PRINTS,
  answer: PRINTS,
  nocomments: PRINTS,
  nostats: PRINTS,
  noquestion: PRINTS,
  yaml: 'write --json',
  trace: 'one server is asked; adotd probe SERVER tells what a server can do',
  https: 'there are --transport udp, tcp, starttls and tls',
  quic: 'there are --transport udp, tcp, starttls and tls',
  subnet: 'the answers of authoritative servers do not depend on it here',
  cdflag: 'only RD can be set: --recurse',
  adflag: 'only RD can be set: --recurse',
  aaflag: 'only RD can be set: --recurse',
  noadflag: NOTHING,
  nocdflag: NOTHING,
};

/** By letter: our words for an option with a value. */
const DASH: Readonly<Record<string, (value: string) => readonly string[]>> = {
  p: (value) => ['--port', value],
  t: (value) => [value],
  c: (value) => ['--class', value],
  q: (value) => [value],
  x: (value) => [reverseName(value), 'PTR'],
  y: (value) => ['--tsig', value],
  k: (value) => ['--tsig-file', value],
};

/** Options of dig that do not exist here, each with its remedy. */
const MISSING: Readonly<Record<string, string>> = {
  '4': "give the server's IPv4 address: @192.0.2.53",
  '6': "give the server's IPv6 address: @2001:db8::53",
  b: 'the system chooses the address to ask from',
  f: 'one name is asked for at a time',
};

/** The words with those of dig replaced by ours. Throws UsageError. */
export function fromDig(words: readonly string[]): readonly string[] {
  const translated: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const [, letter = '', glued = ''] = /^-([a-z0-9])(.*)$/i.exec(word) ?? [];
    if (word.startsWith('+')) translated.push(...plus(word));
    // `-port` is no port "ort".
    else if (glued !== '' && letter !== 'y' && letter !== 'k' && !/^[0-9]/.test(glued)) translated.push(word);
    else if (Object.hasOwn(MISSING, letter)) throw wrong(`${word}: ${MISSING[letter]}`);
    else if (Object.hasOwn(DASH, letter)) {
      const value = glued === '' ? words[++i] : glued;
      if (value === undefined) throw wrong(`-${letter}: found nothing, expected a value`);
      translated.push(...(DASH[letter]?.(value) ?? NOTHING));
    } else translated.push(word);
  }
  return translated;
}

/** `+tls` → `--transport tls`. */
function plus(word: string): readonly string[] {
  const [name = '', ...rest] = word.slice(1).split('=');
  const value = rest.length > 0 ? rest.join('=') : undefined;
  const meaning = meaningOf(name.toLowerCase());
  if (meaning === undefined) throw wrong(`${word}: not known here; see adotd query --help`);
  if (typeof meaning === 'string') throw wrong(`${word}: ${meaning}`);
  if (typeof meaning !== 'function') return meaning;
  try {
    return meaning(value);
  } catch (error) {
    throw error instanceof UsageError ? wrong(`${word}: ${error.message.replace('adotd query: ', '')}`) : error;
  }
}

/** By the whole word, or by the beginning of only one. */
function meaningOf(name: string): Meaning | undefined {
  if (Object.hasOwn(PLUS, name)) return PLUS[name];
  const begun = Object.keys(PLUS).filter((known) => name.length > 1 && known.startsWith(name));
  const [only = ''] = begun;
  return begun.length === 1 ? PLUS[only] : undefined;
}

/** The name of the PTR record of an address: RFC 1035 §3.5, RFC 3596 §2.5. */
function reverseName(address: string): string {
  const octets = new Uint8Array(16);
  const length = addressOctets(address, octets);
  if (length === 4) return `${[...octets.subarray(0, length)].reverse().join('.')}.in-addr.arpa.`;
  if (length !== 16) throw wrong(`-x: found ${address}, expected an IPv4 or IPv6 address`);
  return `${[...Buffer.from(octets).toString('hex')].reverse().join('.')}.ip6.arpa.`;
}

function wrong(message: string): UsageError {
  return new UsageError(`adotd query: ${message}`);
}
