/** `adotd import`: makes a clean zone file of an export of another server or a panel, and reports oddities. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { AdotdError, codeOf, counted, ErrorCode, systemReason } from '../errors.js';
import { nameFromText, nameToText } from '../protocol/name.js';
import { readZoneFile } from '../zone/files.js';
import { printZone } from '../zone/print.js';
import { Exit, type Options, parse, UsageError, type Verb } from './arguments.js';
import { decode } from './import/decode.js';
import { importZone } from './import/imported-zone.js';
import { masterLines } from './import/master-lines.js';
import { Notes, type SourceText } from './import/source-lines.js';

const OPTIONS = {
  zone: { type: 'string' },
  write: { type: 'string' },
} as const satisfies Options;

const STANDARD_INPUT = '-';
/** The file descriptor of standard input: with `process.stdin`, reads from it would not wait. */
const STDIN = 0;

export const importVerb: Verb = {
  help: `usage: adotd import [OPTION...] FILE|-

Makes a zone file of what another server or a panel exports, and writes it to standard output. "-" reads standard input.

Reads zone files as Cloudflare, cPanel, Microsoft DNS (.dns files, dnscmd /ZoneExport) and cli53 export them, zone transfers
that dig prints, and the JSON of aws route53 list-resource-record-sets. UTF-16, Latin-1 and gzip are converted.

Says line by line, on standard error, what was odd and what became of it: names without their final dot, texts without
quotes, records of types that only one company has, records outside the zone, CNAME beside other data. What it writes has
no errors for adotd check. Exit status 0, or 1 if there is no zone to write.

  --zone NAME          name of the zone (default: what the export says)
  --write FILE         write the zone to this new file
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('import', words, OPTIONS);
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError(
        `adotd import: found ${counted(positionals.length, 'file')}, expected one, or - for standard input`,
      );
    const notes = new Notes();
    const shown = file === STANDARD_INPUT ? 'standard input' : file;
    const source = await sourceOf(decode(octetsOf(file), notes), notes);
    try {
      const name = nameOf(values.zone, source, file);
      const { records, rrsets } = importZone(source, name, Math.floor(Date.now() / 1000), notes);
      const parts = [`; zone ${name} imported from ${source.origin}, ${basename(shown)}\n`];
      printZone(rrsets, (text) => parts.push(text));
      write(parts.join(''), values.write);
      process.stderr.write(notes.text(shown));
      const to = values.write === undefined ? '' : `, written to ${values.write}`;
      process.stderr.write(
        `zone ${name} from ${source.origin}: ${counted(records, 'record')}, ${counted(notes.count, 'note')}${to}\n`,
      );
      return Exit.OK;
    } catch (error) {
      // They say why.
      process.stderr.write(notes.text(shown));
      throw error;
    }
  },
};

function octetsOf(file: string): Uint8Array {
  if (file !== STANDARD_INPUT) return readZoneFile(file);
  try {
    return readFileSync(STDIN);
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read standard input: ${systemReason(error)}`, { cause: error });
  }
}

async function sourceOf(text: string, notes: Notes): Promise<SourceText> {
  if (!/^\s*[[{]/.test(text)) return masterLines(text, notes);
  // Loaded only here: the schema takes longer to load than a zone to read.
  const { route53Lines } = await import('./import/route53.js');
  return route53Lines(text, notes);
}

/** The zone's name, absolute. Throws UsageError when nothing says it. */
function nameOf(option: string | undefined, { zone }: SourceText, file: string): string {
  const name = option ?? zone ?? nameOfFile(file);
  if (name === undefined)
    throw new UsageError('adotd import: the export does not say which zone it is of; give --zone NAME');
  try {
    return nameToText(nameFromText(name));
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    throw new UsageError(`adotd import: --zone: ${error.message}`);
  }
}

/** `db.example.com`, `example.com.db`, `example.com.dns`, `example.com.zone` → `example.com`. */
function nameOfFile(file: string): string | undefined {
  const stem = basename(file);
  return /^db\.(.+\..+)$/.exec(stem)?.[1] ?? /^(.+\..+)\.(?:db|dns|zone|txt)$/.exec(stem)?.[1];
}

function write(text: string, file: string | undefined): void {
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const reason =
      codeOf(error) === 'EEXIST' ? 'it exists already; give another name or remove it first' : systemReason(error);
    throw new AdotdError(ErrorCode.FILE, `cannot write ${file}: ${reason}`, { cause: error });
  }
}
