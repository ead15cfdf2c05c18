/** The words of RDATA in presentation format (RFC 1035 §5.1), as they are read one after the other. */
import { ClientError, ClientErrorCode } from '../../errors.js';

export interface Word {
  /** Without its quotes; escapes are still in it. */
  readonly text: string;
  readonly isQuoted: boolean;
  /** Where it begins, in characters from 0. */
  readonly at: number;
}

/** CLIENT_INPUT with the place of the mistake in the text. */
export class WordError extends ClientError {
  /** Characters from 0. */
  readonly at: number;

  constructor(at: number, message: string) {
    super(ClientErrorCode.INPUT, message);
    this.at = at;
  }
}

const WORD = /\s*(?:"((?:\\.|[^"\\])*)"|((?:\\.|[^\s"\\])+))/suy;

/** The words of a line; text in quotes is one. Throws WordError. */
export function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  WORD.lastIndex = 0;
  for (let end = 0; /\S/u.test(line.slice(end)); end = WORD.lastIndex) {
    const found = WORD.exec(line);
    if (found === null)
      throw new WordError(end + line.slice(end).search(/\S/u), 'found a quotation mark that is not closed');
    const [whole, quoted, plain = ''] = found;
    words.push({ text: quoted ?? plain, isQuoted: quoted !== undefined, at: end + whole.search(/\S/u) });
  }
  return words;
}

/** Words that are taken one after the other. */
export class Words {
  /** Where the text ends. */
  readonly textEnd: number;
  readonly #words: readonly Word[];
  readonly #whole: string;
  #next = 0;

  /** `whole`: the kind of text, for messages. */
  constructor(words: readonly Word[], textEnd: number, whole: 'line' | 'record') {
    this.#words = words;
    this.textEnd = textEnd;
    this.#whole = whole;
  }

  /** Words not taken yet. */
  get left(): number {
    return this.#words.length - this.#next;
  }

  /** Where the next word begins. */
  get place(): number {
    return this.next()?.at ?? this.textEnd;
  }

  /** The next word, which is not taken. */
  next(): Word | undefined {
    return this.#words[this.#next];
  }

  /** The word that was taken last. */
  taken(): Word | undefined {
    return this.#words[this.#next - 1];
  }

  take(expected: string): Word {
    const word = this.next();
    if (word === undefined)
      throw new WordError(this.textEnd, `found the end of the ${this.#whole}, expected ${expected}`);
    this.#next++;
    return word;
  }

  /** Passes the next word over. */
  skip(): void {
    this.#next++;
  }

  /** Takes all words that are left. */
  takeAll(): readonly Word[] {
    const rest = this.#words.slice(this.#next);
    this.#next = this.#words.length;
    return rest;
  }
}

/** The words of RDATA. */
export class RdataWords extends Words {
  constructor(words: readonly Word[], end: number) {
    super(words, end, 'record');
  }

  /** The text of the word that was taken last. */
  last(): string {
    return this.taken()?.text ?? '';
  }

  /** Takes the next word if it is a dash, which stands for no octets. */
  isNextDash(): boolean {
    const isDash = this.next()?.text === '-';
    if (isDash) this.skip();
    return isDash;
  }

  /** Whether the next word is in quotes that follow the word before without a blank: `alpn="h2"`. */
  isNextGlued(): boolean {
    const [word, next] = [this.taken(), this.next()];
    return word !== undefined && next?.isQuoted === true && next.at === word.at + word.text.length;
  }

  /** The rest as one text, which may be empty. */
  rest(): string {
    const text = this.takeAll().map((word) => word.text);
    return text.join('');
  }

  /** Fails because of the word that was taken last. */
  fail(expected: string): never {
    const word = this.taken();
    throw new WordError(word?.at ?? this.place, `found ${word?.text ?? 'nothing'}, expected ${expected}`);
  }
}

/** The octets of a text with escapes, `\DDD` or `\X` (RFC 1035 §5.1). */
export function unescaped(words: RdataWords, text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  const out: number[] = [];
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] !== 0x5c) {
      out.push(octets[i] ?? 0);
      continue;
    }
    const digits = /^[0-9]{3}/.exec(octets.toString('latin1', i + 1, i + 4))?.[0];
    if (digits !== undefined && Number(digits) > 255) words.fail('escapes from \\000 to \\255');
    out.push(digits === undefined ? (octets[i + 1] ?? 0) : Number(digits));
    i += digits === undefined ? 1 : 3;
  }
  return Buffer.from(out);
}
