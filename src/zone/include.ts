/** Opening a zone's file, and the files that $INCLUDE names (RFC 1035 §5.1), within the limits of a zone. */
import { Tokens, ZoneSyntaxError } from '../protocol/tokens.js';
import { encodingMistake } from './mistakes/encoding.js';
import { FileContext, type ReadContext } from './read-context.js';
import type { SourceFile } from './source.js';

/** Makes a file the one to read next. `above` is the file that includes it; reading goes on there afterwards. */
export function openFile(read: ReadContext, source: SourceFile, origin: Uint8Array, above?: FileContext): void {
  const tokens = new Tokens(readable(read, source), source.file);
  read.files++;
  read.octets += source.bytes.length;
  read.current = new FileContext(read, tokens, read.store.files.push(source.file) - 1, origin, above);
}

/** Reports a mistake in the encoding of a file, and returns the octets that can be read. */
function readable({ diagnostics }: ReadContext, { file, bytes }: SourceFile): Uint8Array {
  const mistake = encodingMistake(bytes);
  if (mistake === undefined) return bytes;
  diagnostics[mistake.severity](file, mistake.line, mistake.column, mistake.message);
  return mistake.readable ? bytes.subarray(mistake.skip) : new Uint8Array(0);
}

/** Opens the file that `$INCLUDE path` in `file` names; line and column are those of the path. */
export function includeFile(file: FileContext, path: string, origin: Uint8Array, line: number, column: number): void {
  const { read } = file;
  const { limits, source } = read;
  const failure = (reason: string): ZoneSyntaxError =>
    new ZoneSyntaxError(line, column, `cannot include ${JSON.stringify(path)}: ${reason}`);
  if (file.depth >= limits.maxIncludeDepth)
    throw failure(`files may include each other at most ${limits.maxIncludeDepth} deep`);
  if (read.files >= limits.maxFiles) throw failure(`the zone has more than ${limits.maxFiles} files`);
  const included = source.include?.(path, file.file) ?? 'this zone has to be in one file';
  if (typeof included === 'string') throw failure(included);
  for (let above: FileContext | undefined = file; above !== undefined; above = above.above)
    if (above.file === included.file) throw failure('that file includes this one');
  if (read.octets + included.bytes.length > limits.maxOctets)
    throw failure(`the zone has more than ${limits.maxOctets} octets`);
  openFile(read, included, origin, file);
}
