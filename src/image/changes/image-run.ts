/** The records of an image as a run (zone/changes/record-run.ts), in canonical order. */
import { RunWriter } from '../../zone/changes/record-run.js';
import { ImageRecords } from './image-records.js';

/** Octets of a piece, but for the records of its last owner. */
const PIECE = 96 * 1024;

/** The run in pieces, made one by one. Before the first one, the names of an image that is not in canonical order are sorted. */
export function* imageRunPieces(octets: Uint8Array): Generator<Uint8Array> {
  const image = new ImageRecords(octets, true);
  const { records } = image;
  let writer = new RunWriter();
  let size = 0;
  while (image.next()) {
    for (let i = 0; i < records.count; i++) {
      const row = records.order[i]!;
      const length = records.length[row]!;
      size += length + image.ownerLength;
      writer.add(
        image.owner,
        image.ownerAt,
        records.type[row]!,
        records.ttl[row]!,
        records.rdata(row),
        records.at[row]!,
        length,
      );
    }
    if (size < PIECE) continue;
    yield writer.finish();
    writer = new RunWriter();
    size = 0;
  }
  yield writer.finish();
}

/** The whole run, in shared memory. */
export function imageRun(octets: Uint8Array): Uint8Array {
  const pieces = [...imageRunPieces(octets)];
  const run = new Uint8Array(new SharedArrayBuffer(pieces.reduce((sum, { length }) => sum + length, 0)));
  let at = 0;
  for (const piece of pieces) {
    run.set(piece, at);
    at += piece.length;
  }
  return run;
}
