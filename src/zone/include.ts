/** Opening a zone's file, and the files that $INCLUDE names (RFC 1035 §5.1), within the limits of a zone. */
import { Tokens, ZoneSyntaxError } from '../protocol/tokens.js';
import { FileContext, type ReadContext } from './read-context.js';
import type { SourceFile } from './source.js';

/** Some editors write it before UTF-8 text; NSD, Knot and BIND read it as part of the first name. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Makes a file the one to read next. `above` is the file that includes it; reading goes on there afterwards. */
export function openFile(read: ReadContext, source: SourceFile, origin: Uint8Array, above?: FileContext): void {
  const isMarked = BYTE_ORDER_MARK.every((octet, i) => source.bytes[i] === octet);
  if (isMarked) read.diagnostics.error(source.file, 1, 1, 'found a byte order mark, expected text without one');
  const tokens = new Tokens(isMarked ? source.bytes.subarray(BYTE_ORDER_MARK.length) : source.bytes, source.file);
  read.files++;
  read.octets += source.bytes.length;
  read.current = new FileContext(read, tokens, read.store.files.push(source.file) - 1, origin, above);
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
