/** The text of a $GENERATE directive with places for the number (generate.ts says in which form). */

/** One `$` of a template. */
interface Place {
  readonly offset: number;
  readonly width: number;
  readonly base: 'd' | 'o' | 'x' | 'X' | 'n' | 'N';
}

/** Text in latin1 and places for the number, in turn. */
export type Template = readonly (string | Place)[];

/** Characters that a number may be padded to. Fixed at 255, the length of a name. A guess. */
const MAX_WIDTH = 255;
const PLAIN: Place = { offset: 0, width: 0, base: 'd' };
const MODIFIER = /\$(?:\{\s*([+-]?[0-9]{1,10})\s*(?:,\s*([0-9]{1,10})\s*(?:,\s*([doxXnN])\s*)?)?\})?/y;

/** Splits a text into a template; returns a message when it is malformed. */
export function parseTemplate(text: string): Template | string {
  const parts: (string | Place)[] = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    if (text[at] === '\\') {
      plain += text.slice(at, at + 2);
      at += 2;
    } else if (text[at] !== '$') {
      plain += text[at++];
    } else if (text[at + 1] === '$') {
      plain += '\\$';
      at += 2;
    } else {
      MODIFIER.lastIndex = at;
      const match = MODIFIER.exec(text)!;
      at = MODIFIER.lastIndex;
      if (match[1] === undefined && text[at] === '{')
        return `found ${JSON.stringify(text.slice(at - 1, at + 30))}, expected \${offset,width,base} with base d, o, x, X, n or N`;
      const width = Number(match[2] ?? 0);
      if (width > MAX_WIDTH) return `found a width of ${width}, expected at most ${MAX_WIDTH}`;
      if (plain !== '') parts.push(plain);
      plain = '';
      const base = (match[3] ?? 'd') as Place['base'];
      parts.push(match[1] === undefined ? PLAIN : { offset: Number(match[1]), width, base });
    }
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

/** The text for one number; undefined when a number that is not written in decimal would be negative. */
export function writeTemplate(template: Template, number: number): string | undefined {
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = number + part.offset;
    if (value < 0 && part.base !== 'd') return undefined;
    text += writeNumber(value, part);
  }
  return text;
}

function writeNumber(value: number, { width, base }: Place): string {
  switch (base) {
    case 'd': {
      const digits = String(Math.abs(value));
      return value < 0 ? `-${digits.padStart(width - 1, '0')}` : digits.padStart(width, '0');
    }
    case 'o':
      return value.toString(8).padStart(width, '0');
    case 'x':
      return value.toString(16).padStart(width, '0');
    case 'X':
      return value.toString(16).toUpperCase().padStart(width, '0');
    case 'n':
      return writeNibbles(value.toString(16), width);
    case 'N':
      return writeNibbles(value.toString(16).toUpperCase(), width);
  }
}

/** Hexadecimal digits as labels, last digit first; `width` counts digits and dots. */
function writeNibbles(digits: string, width: number): string {
  const labels = digits.padStart(Math.ceil(width / 2), '0');
  const text = [...labels].reverse().join('.');
  return text.length < width ? `${text}.` : text;
}
