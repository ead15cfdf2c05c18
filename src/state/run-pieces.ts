/** The records of a zone as pieces of a run, made one by one so that a large zone does not keep the thread busy for long. */
import { isImage } from '../image/catalog.js';
import { imageRunPieces } from '../image/changes/image-run.js';
import * as L from '../image/layout.js';
import { Type } from '../protocol/iana.js';
import { sameName } from '../protocol/name.js';
import { readU32 } from '../protocol/octets.js';
import { RunCursor } from '../zone/changes/record-run.js';
import { piecesOf } from './chunk-file.js';

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;

/** The records of an image or a run (zone/changes/record-run.ts) as pieces of a run. */
export function* runPieces(content: Uint8Array): Generator<Uint8Array> {
  if (!isImage(content)) return yield* piecesOf(content);
  for (const piece of imageRunPieces(content)) yield* piecesOf(piece);
}

/** The serial of an image, or of a run of the zone `apex` (wire format); undefined when the run has no SOA record of it. */
export function serialOf(content: Uint8Array, apex: Uint8Array): number | undefined {
  if (isImage(content))
    return new Int32Array(content.buffer, content.byteOffset, L.HEADER_WORDS)[L.HEADER_SERIAL]! >>> 0;
  for (const cursor = new RunCursor(content); !cursor.isAtEnd; cursor.next()) {
    if (!sameName(content, cursor.at, apex, 0)) return undefined;
    if (cursor.type === Type.SOA) return readU32(content, cursor.end - SOA_SERIAL);
  }
  return undefined;
}
