/**
 * Exports in master file format, line by line: Cloudflare, cPanel, Microsoft DNS (.dns files and dnscmd), cli53 for Route 53, zone
 * transfers printed by dig. Text that no zone file reader takes is corrected or left out, and noted.
 */
import { absolute, type Notes, type SourceLine, type SourceText } from './source-lines.js';

/** Patterns of comments in which exports name their zone, and the program or service that made them. */
const HEADS: readonly (readonly [pattern: RegExp, origin: string])[] = [
  [/^;;\s*Domain:\s+(\S+)/, 'Cloudflare'],
  [/^;\s*Database file .* for (\S+) zone\./, 'Microsoft DNS'],
  [/^;\s*Zone file for (\S+)/i, 'cPanel'],
  [/^;\s*<<>> DiG .*?<<>>(?:.*\s)?AXFR\s+(?:[@+-]\S+\s+)*([a-z0-9_-]\S*)/i, 'dig'],
  [/^;\s*<<>> DiG .*?<<>>(?:.*\s)?([a-z0-9_-]\S*)\s+(?:[@+-]\S+\s+)*AXFR/i, 'dig'],
];
/** Lines at the beginning in which such a comment is looked for. */
const HEAD_LINES = 50;

/** Owner, TTL and class, type, and RDATA of a record that is on one line. */
const RECORD = /^(\S*)(\s+(?:(?:[0-9]\S*|IN|CLASS1)\s+)*)([A-Za-z][A-Za-z0-9-]*)(\s+)(.*)$/i;
const SOA = /^(\S+)\s+(?:(?:[0-9]\S*|IN)\s+)*SOA\s/i;

/** Types that servers and panels invented, which no other server knows, and the remedies. */
const INVENTED: ReadonlyMap<string, string> = new Map([
  ['ALIAS', 'write the addresses of its target as A and AAAA records, or CNAME if the name has nothing else'],
  ['ANAME', 'write the addresses of its target as A and AAAA records, or CNAME if the name has nothing else'],
  ['FLATTEN', 'write the addresses of its target as A and AAAA records'],
  ['WINS', 'it asks a WINS server, which other servers cannot'],
  ['WINSR', 'it asks a WINS server, which other servers cannot'],
  ['URL', 'it is a redirect of a web server, not DNS'],
  ['REDIRECT', 'it is a redirect of a web server, not DNS'],
  ['LUA', 'it is a program of PowerDNS'],
]);

/** Octets of a character-string (RFC 1035 §3.3). */
const MAX_STRING = 255;

/** An export in master file format as lines for the zone file reader. */
export function masterLines(text: string, notes: Notes): SourceText {
  const source = text.split('\n');
  const head = headOf(source);
  const lines: SourceLine[] = [];
  let depth = 0;
  for (const [i, line] of source.entries()) {
    const number = i + 1;
    // Within parentheses a line is no record of its own.
    lines.push({ text: depth > 0 ? line : cleaned(line, number, notes), line: number });
    depth = Math.max(0, depth + nesting(line));
  }
  return { lines, zone: head?.zone ?? ownerOfSoa(source), origin: head?.origin ?? 'a zone file' };
}

/** The owner of the SOA record, as far as it says the zone's whole name. */
function ownerOfSoa(lines: readonly string[]): string | undefined {
  let origin: string | undefined;
  for (const line of lines) {
    origin = /^\$ORIGIN\s+([^\s;]+)/i.exec(line)?.[1] ?? origin;
    const owner = SOA.exec(line)?.[1];
    if (owner === undefined) continue;
    const whole = owner === '@' ? origin : owner.includes('.') ? owner : undefined;
    return whole && absolute(whole);
  }
  return undefined;
}

function headOf(lines: readonly string[]): { zone: string; origin: string } | undefined {
  for (const line of lines.slice(0, HEAD_LINES))
    for (const [pattern, origin] of HEADS) {
      const zone = pattern.exec(line)?.[1];
      if (zone !== undefined) return { zone: absolute(zone), origin };
    }
  return undefined;
}

/** Parentheses that a line opens, less those that it closes, quotes and comments apart. */
function nesting(line: string): number {
  const bare = line
    .replaceAll(/\\./g, '')
    .replaceAll(/"[^"]*"/g, '')
    .replace(/;.*/, '');
  return (bare.match(/\(/g)?.length ?? 0) - (bare.match(/\)/g)?.length ?? 0);
}

/** A line as the reader can take it; empty when it is left out. */
function cleaned(source: string, line: number, notes: Notes): string {
  noteComment(source, line, notes);
  if (/^\s*(;|$)/.test(source)) return source;
  let text = source;
  if (/\[(AGE|Aging):[0-9]+\]/i.test(text)) {
    notes.add(line, 'found the age of a dynamic record; left out');
    text = text.replaceAll(/\[(AGE|Aging):[0-9]+\]/gi, '');
  }
  if (/^\s+\S+\.\s+(?:[0-9]\S*\s+)?(?:IN\s+)?[A-Z]+\s/.test(text)) {
    notes.add(line, 'found a blank before the owner, which makes it that of the record before; left out');
    text = text.trimStart();
  }
  const [, owner = '', between = '', type = '', gap = '', rdata = ''] = RECORD.exec(text) ?? [];
  const kind = type.toUpperCase();
  const remedy = INVENTED.get(kind);
  if (/\sAWS\s+ALIAS\s/i.test(text)) return leftOut(line, 'an alias of Route 53', INVENTED.get('ALIAS'), notes);
  if (remedy !== undefined) return leftOut(line, `type ${kind}, which only its own server knows`, remedy, notes);
  if (kind === 'TSIG' || /\sANY\s+TSIG\s/i.test(text))
    return leftOut(line, 'TSIG', 'it signs the transfer and is no record of the zone', notes);
  if (kind !== 'TXT' && kind !== 'SPF') return text;
  return `${owner}${between}${type}${gap}${strings(rdata, line, notes)}`;
}

function leftOut(line: number, what: string, remedy: string | undefined, notes: Notes): string {
  notes.add(line, `found ${what}; left out${remedy === undefined ? '' : `: ${remedy}`}`);
  return '';
}

/** Notes the meaning of a comment for its record, or for the export. */
function noteComment(text: string, line: number, notes: Notes): void {
  if (/cf-proxied:true/.test(text))
    notes.add(
      line,
      'Cloudflare stood before this name (cf-proxied): here the address of the server behind it becomes public',
    );
  if (/;\s*AWS routing=/i.test(text))
    notes.add(line, 'found a routing policy of Route 53; the record is taken without it');
  if (/^;\s*Transfer failed/i.test(text))
    notes.add(line, 'the transfer failed: the zone is not complete, if there is any');
}

/** Character-strings with the quotes that they need, and none longer than allowed. */
function strings(rdata: string, line: number, notes: Notes): string {
  const quoted = rdata.includes('"') ? rdata : quotedWhole(rdata, line, notes);
  return quoted.replaceAll(/"((?:[^"\\]|\\[0-9]{3}|\\.)*)"/g, (whole, text: string) => {
    const octets = text.match(/\\[0-9]{3}|\\.|[^\\]/gsu) ?? [];
    if (octets.reduce((sum, one) => sum + lengthOf(one), 0) <= MAX_STRING) return whole;
    notes.add(line, `found a string longer than ${MAX_STRING} octets; split`);
    return pieces(octets).join(' ');
  });
}

/** Octets of a character or an escape. */
const lengthOf = (one: string): number => (one.startsWith('\\') ? 1 : Buffer.byteLength(one));

function pieces(octets: readonly string[]): string[] {
  const list: string[] = [];
  let piece = '';
  let length = 0;
  for (const one of octets) {
    if (length + lengthOf(one) > MAX_STRING) {
      list.push(`"${piece}"`);
      [piece, length] = ['', 0];
    }
    piece += one;
    length += lengthOf(one);
  }
  return [...list, `"${piece}"`];
}

/** Texts whose blanks and semicolons belong to them: without quotes, a blank ends a string, and a semicolon the record. */
const TAGGED = /^v=(spf1|DKIM1|DMARC1|STSv1|TLSRPTv1|BIMI1)\b/i;

function quotedWhole(rdata: string, line: number, notes: Notes): string {
  const isCut = /^[^\s;()]+;/.test(rdata);
  if (!isCut && !(TAGGED.test(rdata) && /\s/.test(rdata.trim()))) return rdata;
  const text = TAGGED.test(rdata) ? rdata.replace(/\s+;.*$/, (rest) => (/;\s*[a-z]+=/i.test(rest) ? rest : '')) : rdata;
  notes.add(line, 'found a text with blanks or semicolons and without quotes, of which a part would be lost; quoted');
  return `"${text.trim()}"`;
}
