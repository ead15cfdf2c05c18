/**
 * The differences of IXFR (RFC 1995 §4): the SOA record of the newest version; for each difference the older SOA record, the removed
 * records, the newer SOA record, the added records; the newest SOA record again.
 */
import { Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import type { Difference } from '../../zone/changes/difference.js';
import { RunCursor } from '../../zone/changes/record-run.js';
import type { ImageView } from './image-view.js';
import { RecordTooLong, type TransferContent } from './transfer-content.js';
import type { TransferWriter } from './transfer-writer.js';
import { putSoa } from './zone-content.js';

export class DifferenceContent implements TransferContent {
  readonly #image: ImageView;
  /** The removed and the added records, in turns. */
  readonly #runs: readonly Uint8Array[];
  /** Whether the first SOA record is written, and the last one. */
  #begun = false;
  #ended = false;
  /** Number of the run in hand, and where we are in it; undefined: its SOA record comes next. */
  #number = 0;
  #run: RunCursor | undefined;

  /** `differences`: one leads to the version where the next one begins, the last one to the image. */
  constructor(image: ImageView, differences: readonly Difference[]) {
    this.#image = image;
    this.#runs = differences.flatMap(({ removed, added }) => [removed, added]);
  }

  fill(writer: TransferWriter): boolean {
    if (!this.#begun && !putSoa(writer, this.#image)) return false;
    this.#begun = true;
    for (; this.#number < this.#runs.length; this.#number++, this.#run = undefined)
      if (!this.#fillRun(writer, this.#runs[this.#number]!)) return false;
    this.#ended ||= putSoa(writer, this.#image);
    return this.#ended;
  }

  #fillRun(writer: TransferWriter, octets: Uint8Array): boolean {
    if (this.#run === undefined) {
      const soa = new RunCursor(octets);
      while (soa.type !== Type.SOA) soa.next();
      if (!this.#put(writer, soa)) return false;
      this.#run = new RunCursor(octets);
    }
    for (const run = this.#run; !run.isAtEnd; run.next())
      if (run.type !== Type.SOA && !this.#put(writer, run)) return false;
    return true;
  }

  #put(writer: TransferWriter, run: RunCursor): boolean {
    if (writer.putOfRun(run)) return true;
    if (writer.count === 0) throw new RecordTooLong(nameToText(this.#image.apex));
    return false;
  }
}
