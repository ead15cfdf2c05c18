/** The cases of cases.txt. */
import { readFileSync } from 'node:fs';

export interface Case {
  readonly type: string;
  readonly text: string;
  readonly wire: string;
  readonly printed: string;
}

function parse(lines: readonly string[]): Case[] {
  const cases: Case[] = [];
  for (const line of lines) {
    const last = cases.at(-1);
    if (line.startsWith(';')) continue;
    if (line.startsWith('=') && last !== undefined) cases[cases.length - 1] = { ...last, wire: line.slice(1).trim() };
    else if (line.startsWith('> ') && last !== undefined) cases[cases.length - 1] = { ...last, printed: line.slice(2) };
    else {
      const [type = '', ...words] = line.split(' ');
      const text = words.join(' ');
      cases.push({ type, text, wire: '', printed: text });
    }
  }
  return cases;
}

export const cases: readonly Case[] = parse(
  readFileSync(new URL('cases.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n'),
);
