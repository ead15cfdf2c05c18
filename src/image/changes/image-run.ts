/** The records of an image as a run (zone/changes/record-run.ts), in canonical order. */
import { RunWriter } from '../../zone/changes/record-run.js';
import { ImageRecords } from './image-records.js';

/** Octets of a piece, but for the records of its last owner. */
const PIECE = 96 * 1024;

/** The run in pieces, made one by one. Before the first one, the names of an image that is not in canonical order are sorted. */
export function* imageRunPieces(octets: Uint8Array): Generator<Uint8Array> {
  const image = new ImageRecords(octets, true);
  const writer = new RunWriter();
  while (image.next()) {
    addOwner(image, writer);
    if (writer.length < PIECE) continue;
    yield writer.finish();
    writer.clear();
  }
  yield writer.finish();
}

/** The whole run, in shared memory. */
export function imageRun(octets: Uint8Array): Uint8Array {
  const image = new ImageRecords(octets, true);
  // Few runs are longer than the image; memory that is not written is not resident.
  const writer = new RunWriter((length) => new Uint8Array(new SharedArrayBuffer(length)), octets.length);
  while (image.next()) addOwner(image, writer);
  return writer.view();
}

/** Adds the records of the current owner. */
export function addOwner(image: ImageRecords, writer: RunWriter): void {
  for (let i = 0; i < image.records.count; i++) addRecord(image, i, writer);
}

/** Adds record number `i` of the current owner, in canonical order. */
export function addRecord({ owner, ownerAt, records }: ImageRecords, i: number, writer: RunWriter): void {
  const row = records.order[i]!;
  writer.add(
    owner,
    ownerAt,
    records.type[row]!,
    records.ttl[row]!,
    records.rdata(row),
    records.at[row]!,
    records.length[row]!,
  );
}
