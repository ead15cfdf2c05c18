/**
 * Substitution expressions, the regular expressions of NAPTR (RFC 3402 §3.2): a delimiter, an extended regular expression
 * of POSIX, the delimiter, a replacement, the delimiter, flags. Here is only the syntax: nothing is matched.
 */

const DIGITS = '0123456789';
const FLAG = 'i';
/** The highest number of repetitions: RE_DUP_MAX, which POSIX lets every system have. */
const MAX_REPEAT = 255;

/** Why octets are no substitution expression; undefined: they are one, or there are none. */
export function substitutionMistake(octets: Uint8Array): string | undefined {
  if (octets.length === 0) return undefined;
  const text = Buffer.from(octets).toString('latin1');
  if (text.includes('\0')) return 'a NUL octet in its regular expression';
  const delimiter = text[0]!;
  if (`${DIGITS}\\${FLAG}`.includes(delimiter))
    return `the delimiter ${JSON.stringify(delimiter)} in its regular expression; expected one such as "!"`;
  const parts = split(text.slice(1), delimiter);
  if (parts === undefined) {
    const form = ['', 'expression', 'replacement', ''].join(delimiter);
    return `a regular expression without its three delimiters; expected ${form}`;
  }
  const [expression, replacement, flags] = parts;
  const wrong = [...flags].find((flag) => flag !== FLAG);
  if (wrong !== undefined)
    return `the flag ${JSON.stringify(wrong)} behind its regular expression; expected "i" or none`;
  const groups = countGroups(expression);
  if (groups === undefined) return 'a regular expression that is malformed';
  for (const [reference, digit] of replacement.matchAll(/\\(.)/gs)) {
    if (!DIGITS.includes(digit!)) continue;
    if (digit === '0' || Number(digit) > groups)
      return `the reference ${reference} behind a regular expression of ${groups} groups`;
  }
  return undefined;
}

/** The text between the delimiters, of which none is behind a backslash. */
function split(text: string, delimiter: string): [string, string, string] | undefined {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === delimiter) {
      parts.push('');
      continue;
    }
    parts[parts.length - 1] += char;
    if (char !== '\\') continue;
    if (++i === text.length) return undefined;
    parts[parts.length - 1] += text[i]!;
  }
  const [expression, replacement, flags] = parts;
  if (expression === undefined || replacement === undefined || flags === undefined || parts.length > 3)
    return undefined;
  return [expression, replacement, flags];
}

/** The groups of an extended regular expression; undefined when it is malformed. Lone `)` and `{` stand for themselves. */
function countGroups(text: string): number | undefined {
  let groups = 0;
  let open = 0;
  /** Whether the text before this place can be repeated. */
  let isAtom = false;
  /** Whether the current alternative has nothing so far. */
  let isEmpty = true;
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    if (char === '(' || char === '|') {
      if (char === '(') {
        groups++;
        open++;
      } else if (isEmpty) return undefined;
      i++;
      isAtom = false;
      isEmpty = true;
      continue;
    }
    const length = pieceLength(text, i);
    const isEnd = char === ')' && open > 0;
    if (length === 0 || (isEnd && isEmpty && text[i - 1] !== '(')) return undefined;
    if (isEnd) open--;
    // A reference to a group that has not begun.
    if (char === '\\' && DIGITS.indexOf(text[i + 1]!) > groups) return undefined;
    const isRepeat = '*+?'.includes(char) || isBound(text, i);
    if (isRepeat && !isAtom) return undefined;
    isAtom = !isRepeat && char !== '^' && char !== '$';
    isEmpty = false;
    i += length;
  }
  return open > 0 || isEmpty ? undefined : groups;
}

/** Characters of the piece of an expression that begins at `i`; 0: it is malformed. */
function pieceLength(text: string, i: number): number {
  if (text[i] === '\\') return i + 1 < text.length ? 2 : 0;
  if (isBound(text, i)) return boundLength(text.slice(i));
  if (text[i] === '[') return bracketLength(text, i);
  return 1;
}

function isBound(text: string, i: number): boolean {
  return text[i] === '{' && i + 1 < text.length && DIGITS.includes(text[i + 1]!);
}

/** `{2}`, `{2,}`, `{2,4}`. */
function boundLength(text: string): number {
  const [bound, least, most] = /^\{([0-9]+)(?:,([0-9]*))?\}/.exec(text) ?? [];
  if (bound === undefined) return 0;
  const [low, high] = [Number(least), Number(most || least)];
  return low <= high && high <= MAX_REPEAT ? bound.length : 0;
}

/** A bracket expression. The first character of its list may be `]`; classes as `[:alpha:]` have brackets of their own. */
function bracketLength(text: string, start: number): number {
  let i = start + 1;
  if (text[i] === '^') i++;
  const first = i;
  while (i < text.length && (i === first || text[i] !== ']')) {
    const kind = text[i + 1];
    const isClass = text[i] === '[' && (kind === ':' || kind === '.' || kind === '=');
    const end = isClass ? text.indexOf(`${kind}]`, i + 2) : i - 1;
    if (end < i - 1) return 0;
    i = end + 2;
  }
  return i < text.length ? i + 1 - start : 0;
}
