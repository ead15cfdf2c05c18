/**
 * Splits a zone file (RFC 1035 §5.1) into entries and tokens, in place: a token is a range of the file's octets, its
 * escapes unresolved. Hot file: integers only, no allocation but for errors. Each octet is read a bounded number of times,
 * so that the time is linear in the size of any file.
 *
 * RFC 1035 leaves these open, and they are decided here. Octets above 127 are kept. A line break within quotes is part of
 * the string inside parentheses, and an error elsewhere, so that a forgotten quote is reported at its place. Parentheses do
 * not nest, so that a forgotten one is reported at the next. A NUL octet is an error unless written `\000`, because a file
 * with one is hardly text. A quote ends a word and begins a string, as in NSD and BIND: `a"b c"d` is three tokens.
 */
import { AdotdError, ErrorCode } from '../errors.js';

/** A syntax error at a place of a zone file. */
export class ZoneSyntaxError extends AdotdError {
  /** From 1. */
  readonly line: number;
  /** From 1, in octets. */
  readonly column: number;

  constructor(line: number, column: number, message: string) {
    super(ErrorCode.ZONE_SYNTAX, message);
    this.name = 'ZoneSyntaxError';
    this.line = line;
    this.column = column;
  }
}

const NUL = 0x00;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** 1 for octets that need a decision within an unquoted token. */
const SPECIAL = new Uint8Array(256);
for (const octet of [NUL, TAB, LF, CR, SPACE, QUOTE, OPEN, CLOSE, SEMICOLON, BACKSLASH]) SPECIAL[octet] = 1;

export class Tokens {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** The file's name, for messages. */
  readonly file: string;
  /** Where the current token starts in `bytes`, behind its opening quote; the end of the entry when it has no token left. */
  start = 0;
  /** Where the current token ends, before its closing quote. */
  end = 0;
  /** Whether the current token is in quotes. */
  quoted = false;
  /** Whether the current token has a backslash. */
  escaped = false;
  /** Whether the current entry begins with a blank: its owner is that of the entry before. */
  leadingSpace = false;
  /** Line of the current token, from 1. */
  line = 1;
  /**
   * Whether a quoted string and its neighbours have to stand apart: everywhere but in lists of strings, where `a"b"` is two
   * strings. True at the start of each entry.
   */
  apart = true;

  /** The octet to read next. */
  #at = 0;
  /** Line of `#at`, and where it starts. */
  #line = 1;
  #lineStart = 0;
  /** Where the line of the current token starts. */
  #tokenLineStart = 0;
  /** Whether a parenthesis is open, and where. */
  #open = false;
  #openLine = 0;
  #openColumn = 0;
  /** Whether there is a current entry. */
  #begun = false;

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.file = file;
  }

  /** Column of the current token, from 1, in octets. */
  get column(): number {
    return this.start - this.#tokenLineStart + (this.quoted ? 0 : 1);
  }

  /**
   * Moves to the next token of the current entry; false at the entry's end. Throws ZoneSyntaxError; reading can then go on
   * with `next` or `nextEntry`.
   */
  next(): boolean {
    const bytes = this.bytes;
    const length = bytes.length;
    let at = this.#at;
    for (; at < length; at++) {
      const octet = bytes[at]!;
      if (SPECIAL[octet] === 0) return this.#word(at);
      if (octet === SPACE || octet === TAB || octet === CR) continue;
      if (octet === LF) {
        if (!this.#open) break;
        this.#line++;
        this.#lineStart = at + 1;
      } else if (octet === QUOTE) {
        return this.#string(at + 1);
      } else if (octet === SEMICOLON) {
        at = this.#endOfLine(at) - 1;
      } else if (octet === OPEN) {
        if (this.#open)
          this.#failAt(at, `found "(" within the parentheses that line ${this.#openLine} opens, expected ")"`);
        this.#open = true;
        this.#openLine = this.#line;
        this.#openColumn = at - this.#lineStart + 1;
      } else if (octet === CLOSE) {
        if (!this.#open) this.#failAt(at, 'found ")" without a "(" before it');
        this.#open = false;
      } else {
        return this.#word(at);
      }
    }
    this.#at = at;
    this.#mark(at, at, false, false);
    if (this.#open) {
      this.#open = false;
      throw new ZoneSyntaxError(this.#openLine, this.#openColumn, 'found "(" that is never closed, expected ")"');
    }
    return false;
  }

  /**
   * Skips the rest of the current entry, blank lines and comments, and moves before the first token of the next entry; false
   * at the end of the file. Throws ZoneSyntaxError when the skipped text cannot be split into tokens.
   */
  nextEntry(): boolean {
    const bytes = this.bytes;
    const length = bytes.length;
    this.apart = false;
    // Usually next() has stopped at the line break that ends the entry, and no token is left.
    if (this.#begun && (bytes[this.#at] !== LF || this.#open)) while (this.next());
    this.#begun = true;
    this.apart = true;
    let at = this.#at;
    this.leadingSpace = false;
    for (; at < length; at++) {
      const octet = bytes[at]!;
      if (octet === LF) {
        this.#line++;
        this.#lineStart = at + 1;
        this.leadingSpace = false;
      } else if (octet === SPACE || octet === TAB) {
        this.leadingSpace = true;
      } else if (octet === SEMICOLON) {
        at = this.#endOfLine(at) - 1;
      } else if (octet !== CR) {
        break;
      }
    }
    this.#at = at;
    this.#mark(at, at, false, false);
    return at < length;
  }

  /** Whether a quoted string follows the current token without a blank: `key="value"`. */
  get adjoinsString(): boolean {
    return !this.quoted && this.bytes[this.end] === QUOTE;
  }

  /**
   * Whether something follows the current quoted string without a blank. Its parts are tokens of their own, but where a
   * format has one value, this is a mistake.
   */
  get adjoinsMore(): boolean {
    const next = this.quoted ? this.bytes[this.end + 1] : undefined;
    return next !== undefined && (SPECIAL[next] === 0 || next === QUOTE || next === BACKSLASH);
  }

  /** The current token as it is written, read as UTF-8; for messages. */
  text(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start, this.end - this.start).toString('utf8');
  }

  /** Throws ZoneSyntaxError at the current token, or at the end of the entry when there is none. */
  fail(message: string): never {
    throw new ZoneSyntaxError(this.line, this.column, message);
  }

  #mark(start: number, end: number, quoted: boolean, escaped: boolean): void {
    this.start = start;
    this.end = end;
    this.quoted = quoted;
    this.escaped = escaped;
    this.line = this.#line;
    this.#tokenLineStart = this.#lineStart;
  }

  /** Reads the unquoted token at `start`. */
  #word(start: number): boolean {
    const bytes = this.bytes;
    const length = bytes.length;
    let at = start;
    let escaped = false;
    for (; at < length; at++) {
      const octet = bytes[at]!;
      if (SPECIAL[octet] === 0) continue;
      if (octet === BACKSLASH) {
        escaped = true;
        // A line break cannot be escaped: the scanner of the field reports the backslash at the token's end.
        const next = bytes[at + 1];
        if (next !== undefined && next !== LF && next !== CR && next !== NUL) at++;
      } else if (octet === NUL) {
        this.#failAt(at, 'found an octet of value 0, expected text (write \\000 when it is meant)');
      } else {
        break;
      }
    }
    if (at > length) at = length;
    const adjoins = this.quoted && this.end + 1 === start;
    this.#at = at;
    this.start = start;
    this.end = at;
    this.quoted = false;
    this.escaped = escaped;
    this.line = this.#line;
    this.#tokenLineStart = this.#lineStart;
    if (adjoins && this.apart) this.fail('found a word directly behind a closing quote, expected a blank between them');
    return true;
  }

  /** Reads the quoted token whose first octet behind the quote is at `start`. */
  #string(start: number): boolean {
    const bytes = this.bytes;
    const length = bytes.length;
    let escaped = false;
    const adjoins = this.start < this.end + (this.quoted ? 1 : 0) && this.end + (this.quoted ? 1 : 0) === start - 1;
    this.#mark(start, start, true, false);
    for (let at = start; at < length; at++) {
      const octet = bytes[at]!;
      if (octet === QUOTE) {
        this.#at = at + 1;
        this.end = at;
        this.escaped = escaped;
        if (adjoins && this.apart)
          this.fail('found a quote within a word, expected a blank before it (or \\" for a quote)');
        return true;
      }
      if (octet === BACKSLASH) {
        escaped = true;
        if (bytes[at + 1] !== LF) at++;
      } else if (octet === LF) {
        if (!this.#open) {
          this.#at = at;
          this.fail('found a string that does not end on its line, expected a closing quote');
        }
        this.#line++;
        this.#lineStart = at + 1;
      } else if (octet === NUL) {
        this.#failAt(at, 'found an octet of value 0, expected text (write \\000 when it is meant)');
      }
    }
    this.#at = length;
    return this.fail('found a string that is still open at the end of the file, expected a closing quote');
  }

  /** The end of the line at `from`: its LF, or the end of the file. */
  #endOfLine(from: number): number {
    const end = this.bytes.indexOf(LF, from);
    return end < 0 ? this.bytes.length : end;
  }

  /** Throws an error at `at`; reading can go on behind it. */
  #failAt(at: number, message: string): never {
    this.#at = at + 1;
    this.#mark(at, at + 1, false, false);
    this.fail(message);
  }
}
