/** The commands of `adotd update`, which are those of nsupdate: a line each. */

import { ClientError } from '../../client/errors.js';
import type { UpdateRecord } from '../../client/update/send-update.js';
import { textToClass, textToType } from '../../client/wire/mnemonics.js';
import { textToName } from '../../client/wire/names.js';
import { rdataFromWords } from '../../client/wire/rdata/from-text.js';
import { type Word, WordError, Words, wordsOf } from '../../client/wire/rdata/rdata-words.js';
import type { QueryTsig } from '../../client/wire/tsig.js';
import { nearest } from '../../config/nearest.js';
import { Class, Type } from '../../protocol/iana.js';

/** The values that earlier lines have set for later ones. */
export interface LineDefaults {
  readonly class: number;
  /** Seconds; undefined: each record has to have its own. */
  readonly ttl: number | undefined;
}

export type UpdateCommand =
  | { readonly kind: 'server'; readonly address: string; readonly port: number | undefined }
  | { readonly kind: 'zone'; readonly name: string }
  | { readonly kind: 'class'; readonly class: number }
  | { readonly kind: 'ttl'; readonly ttl: number | undefined }
  | { readonly kind: 'key'; readonly key: Omit<QueryTsig, 'time'> }
  | { readonly kind: 'prerequisite'; readonly record: UpdateRecord }
  | { readonly kind: 'change'; readonly record: UpdateRecord }
  | { readonly kind: 'send' | 'show' | 'answer' | 'debug' | 'version' | 'help' | 'quit' | 'nothing' };

const MAX_TTL = 0x7fffffff;
const EMPTY: Uint8Array = new Uint8Array();
const UNITS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** Commands that do not exist here, each with its remedy. */
const MISSING: Readonly<Record<string, string>> = {
  local: 'the system chooses the address to send from; leave the line out',
  gsstsig: 'there is no GSS-TSIG here; use a TSIG key: key [ALGORITHM:]NAME SECRET',
  oldgsstsig: 'there is no GSS-TSIG here; use a TSIG key: key [ALGORITHM:]NAME SECRET',
  realm: 'there is no GSS-TSIG here; leave the line out',
  origin: 'names are absolute here; write the whole name',
  lease: 'there are no leases here; leave the line out',
};

/** Reads a line. An empty one sends. Throws WordError: its place is in characters from 0. */
export function readCommand(line: string, defaults: LineDefaults): UpdateCommand {
  if (/^\s*;/.test(line)) return { kind: 'nothing' };
  const words = new Line(wordsOf(line), line.length);
  if (words.left === 0) return { kind: 'send' };
  const first = words.take('a command');
  const verb = first.text.toLowerCase();
  const read = Object.hasOwn(READERS, verb) ? READERS[verb] : undefined;
  if (read === undefined) throw new WordError(first.at, unknownCommand(verb));
  const command = read(words, defaults);
  words.end();
  return command;
}

function unknownCommand(verb: string): string {
  if (Object.hasOwn(MISSING, verb)) return `found ${verb}: ${MISSING[verb]}`;
  const near = nearest(verb, Object.keys(READERS));
  return `found ${verb}, expected a command${near === undefined ? ' such as add, delete or send' : `; did you mean ${near}?`}`;
}

type Reader = (line: Line, defaults: LineDefaults) => UpdateCommand;

const alone =
  (kind: 'send' | 'show' | 'answer' | 'debug' | 'version' | 'help' | 'quit' | 'nothing'): Reader =>
  () => ({ kind });

const READERS: Readonly<Record<string, Reader>> = {
  server: (line) => ({ kind: 'server', address: line.take('an address or a name').text, port: line.port() }),
  zone: (line) => ({ kind: 'zone', name: line.name() }),
  class: (line) => ({ kind: 'class', class: line.class() }),
  ttl: (line) => ({ kind: 'ttl', ttl: line.defaultTtl() }),
  key: (line) => ({ kind: 'key', key: line.key() }),
  prereq: (line, defaults) => oneOf(line, PREREQUISITES, 'nxdomain, yxdomain, nxrrset or yxrrset')(line, defaults),
  update: (line, defaults) => oneOf(line, CHANGES, 'add or delete')(line, defaults),
  nxdomain: (line) => prerequisite(line.name(), Type.ANY, Class.NONE),
  yxdomain: (line) => prerequisite(line.name(), Type.ANY, Class.ANY),
  nxrrset: (line) => {
    const name = line.name();
    line.skipClass();
    return prerequisite(name, line.type(), Class.NONE);
  },
  yxrrset: (line, defaults) => {
    const name = line.name();
    line.skipClass();
    const type = line.type();
    if (line.left === 0) return prerequisite(name, type, Class.ANY);
    return prerequisite(name, type, defaults.class, line.data(type));
  },
  add: (line, defaults) => add(line, defaults),
  del: (line) => remove(line),
  delete: (line) => remove(line),
  send: alone('send'),
  show: alone('show'),
  answer: alone('answer'),
  debug: alone('debug'),
  version: alone('version'),
  help: alone('help'),
  quit: alone('quit'),
  // nsupdate checks names of hosts if this is set; here they are not checked.
  'check-names': (line) => {
    line.take('yes or no');
    return { kind: 'nothing' };
  },
};

const pick = (...names: readonly string[]): Readonly<Record<string, Reader>> =>
  Object.fromEntries(names.map((name) => [name, READERS[name] ?? alone('nothing')]));
const PREREQUISITES = pick('nxdomain', 'yxdomain', 'nxrrset', 'yxrrset');
const CHANGES = pick('add', 'del', 'delete');

function oneOf(line: Line, readers: Readonly<Record<string, Reader>>, expected: string): Reader {
  const { text, at } = line.take(expected);
  const verb = text.toLowerCase();
  const read = Object.hasOwn(readers, verb) ? readers[verb] : undefined;
  if (read === undefined) throw new WordError(at, `found ${text}, expected ${expected}`);
  return read;
}

function prerequisite(name: string, type: number, classNumber: number, rdata = EMPTY): UpdateCommand {
  return { kind: 'prerequisite', record: { name, type, class: classNumber, ttl: 0, rdata } };
}

function add(line: Line, defaults: LineDefaults): UpdateCommand {
  const name = line.name();
  const at = line.place;
  const ttl = line.ttl() ?? defaults.ttl;
  if (ttl === undefined)
    throw new WordError(at, 'found no TTL, expected one behind the name, or a line "ttl SECONDS" before');
  line.skipClass();
  const type = line.type();
  return { kind: 'change', record: { name, type, class: defaults.class, ttl, rdata: line.data(type) } };
}

function remove(line: Line): UpdateCommand {
  const name = line.name();
  // It has no meaning, but zone files have it.
  line.ttl();
  line.skipClass();
  const change = (type: number, classNumber: number, rdata = EMPTY): UpdateCommand => ({
    kind: 'change',
    record: { name, type, class: classNumber, ttl: 0, rdata },
  });
  if (line.left === 0) return change(Type.ANY, Class.ANY);
  const type = line.type();
  if (line.left === 0) return change(type, Class.ANY);
  return change(type, Class.NONE, line.data(type));
}

/** The words of a line, one after the other. */
class Line extends Words {
  constructor(words: readonly Word[], end: number) {
    super(words, end, 'line');
  }

  end(): void {
    const word = this.next();
    if (word !== undefined) throw new WordError(word.at, `found ${word.text}, expected the end of the line`);
  }

  name(): string {
    const { text, at } = this.take('a domain name');
    try {
      textToName(text);
    } catch (error) {
      if (error instanceof ClientError) throw new WordError(at, error.message);
      throw error;
    }
    return text;
  }

  type(): number {
    const { text, at } = this.take('a type');
    const type = textToType(text);
    if (type === undefined) throw new WordError(at, `found ${text}, expected a type such as A or TYPE123`);
    return type;
  }

  class(): number {
    const { text, at } = this.take('a class');
    const value = textToClass(text);
    if (value === undefined) throw new WordError(at, `found ${text}, expected a class: IN, CH, HS or CLASS123`);
    return value;
  }

  /** Skips a class before a type: the line has the same meaning without it. */
  skipClass(): void {
    const text = this.next()?.text ?? '';
    if (textToClass(text) !== undefined && (textToType(text) === undefined || this.left > 1)) this.skip();
  }

  /** A TTL, if the next word is one. */
  ttl(): number | undefined {
    const word = this.next();
    if (word === undefined || !/^[0-9]+([smhdw]([0-9]+[smhdw])*)?$/i.test(word.text)) return undefined;
    this.skip();
    const parts = [...word.text.matchAll(/([0-9]+)([smhdw]?)/gi)];
    const ttl = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit.toLowerCase()] ?? 1), 0);
    if (ttl > MAX_TTL) throw new WordError(word.at, `found ${word.text}, expected a TTL of at most ${MAX_TTL}`);
    return ttl;
  }

  defaultTtl(): number | undefined {
    if (this.next()?.text.toLowerCase() === 'none') {
      this.skip();
      return undefined;
    }
    const { place } = this;
    const ttl = this.ttl();
    if (ttl === undefined)
      throw new WordError(place, `found ${this.next()?.text ?? 'nothing'}, expected seconds, or none`);
    return ttl;
  }

  port(): number | undefined {
    if (this.left === 0) return undefined;
    const { text, at } = this.take('a port');
    if (!/^[0-9]{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
      throw new WordError(at, `found ${text}, expected a port from 1 to 65535`);
    return Number(text);
  }

  /** `[ALGORITHM:]NAME SECRET`. Messages do not repeat the secret. */
  key(): Omit<QueryTsig, 'time'> {
    const { text } = this.take('[ALGORITHM:]NAME');
    const [algorithm = '', name = ''] = text.includes(':') ? text.split(':') : ['hmac-sha256', text];
    const { text: secret, at } = this.take('the secret in base64');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(secret)) throw new WordError(at, 'found no secret, expected it in base64');
    return { name, algorithm: algorithm.toLowerCase().replace(/\.$/, ''), secret: Buffer.from(secret, 'base64') };
  }

  /** The rest of the line: RDATA of `type`. */
  data(type: number): Uint8Array {
    return rdataFromWords(type, this.takeAll(), this.textEnd);
  }
}
