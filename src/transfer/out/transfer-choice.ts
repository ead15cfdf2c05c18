/** Chooses the answer to a transfer query: the whole zone, differences, or only its SOA record (RFC 1995 §2, §4, §5). */
import * as L from '../../image/layout.js';
import { isLaterSerial } from '../../protocol/serial.js';
import { compose } from '../../zone/changes/compose.js';
import type { Difference } from '../../zone/changes/difference.js';
import { RunCursor } from '../../zone/changes/record-run.js';
import { DifferenceContent } from './difference-content.js';
import type { ImageView } from './image-view.js';
import type { TransferContent } from './transfer-content.js';
import type { TransferWriter } from './transfer-writer.js';
import { putSoa, ZoneContent } from './zone-content.js';

/** The form of an answer. */
export const TransferForm = { ZONE: 'axfr', DIFFERENCES: 'ixfr', CURRENT: 'soa' } as const;
export type TransferForm = (typeof TransferForm)[keyof typeof TransferForm];

interface TransferChoice {
  readonly form: TransferForm;
  readonly content: TransferContent;
}

/**
 * Octets of differences that are added up, so that the client gets their sum. Measured: 1 ms for this many; sums of longer ones would
 * keep the thread's other clients waiting, and they are sent one by one.
 */
const MOST_CONDENSED = 65_536;
/** Octets of differences whose records are counted: 100,000 short ones, 3 ms. */
const MOST_COUNTED = 4_194_304;
/** Octets of an image for one of uncompressed records, since it has an index as well. Measured: 2.2 (NSEC3) to 4 (addresses). */
const IMAGE_OVERHEAD = 3;

/** The answer to AXFR: `serial` undefined, or to IXFR from that serial. `history`: oldest first, its last one leads to the image. */
export function chooseTransfer(
  image: ImageView,
  serial: number | undefined,
  history: readonly Difference[] = [],
): TransferChoice {
  if (serial === undefined) return { form: TransferForm.ZONE, content: new ZoneContent(image) };
  if (serial === image.serial || isLaterSerial(image.serial, serial))
    return { form: TransferForm.CURRENT, content: currentSoa(image) };
  const differences = chainFrom(history, serial, image.serial);
  if (differences === undefined || isLonger(differences, image))
    return { form: TransferForm.ZONE, content: new ZoneContent(image) };
  return { form: TransferForm.DIFFERENCES, content: new DifferenceContent(image, condensed(differences)) };
}

/** The SOA record alone: the client has this version, or it has to ask over TCP. */
export function currentSoa(image: ImageView): TransferContent {
  return { fill: (writer: TransferWriter) => putSoa(writer, image) };
}

/** The differences that lead from one serial to the other; undefined: they are not all there. */
function chainFrom(history: readonly Difference[], from: number, to: number): readonly Difference[] | undefined {
  if (history.at(-1)?.to !== to) return undefined;
  // The newest one that begins there: a serial may come again, after a zone was put back.
  const first = history.findLastIndex((difference) => difference.from === from);
  if (first < 0) return undefined;
  const chain = history.slice(first);
  return chain.every((difference, i) => i === 0 || chain[i - 1]!.to === difference.from) ? chain : undefined;
}

/** Whether differences are longer than the zone: by their records, or by their octets if there are very many. */
function isLonger(differences: readonly Difference[], { words, bytes }: ImageView): boolean {
  const octets = octetsOf(differences);
  if (octets > MOST_COUNTED) return octets * IMAGE_OVERHEAD > bytes.length;
  let left = words[L.HEADER_RECORD_COUNT]!;
  for (const { removed, added } of differences)
    for (const octetsOfRun of [removed, added])
      for (const run = new RunCursor(octetsOfRun); !run.isAtEnd; run.next()) if (left-- === 0) return true;
  return false;
}

function octetsOf(differences: readonly Difference[]): number {
  return differences.reduce((sum, { removed, added }) => sum + removed.length + added.length, 0);
}

/** The sum of the differences, where that is shorter. */
function condensed(differences: readonly Difference[]): readonly Difference[] {
  const octets = octetsOf(differences);
  if (differences.length === 1 || octets > MOST_CONDENSED) return differences;
  try {
    const sum = [differences.reduce(compose)];
    return octetsOf(sum) < octets ? sum : differences;
  } catch {
    // Differences that do not fit together were sent by somebody else, and the client may well take them one by one.
    return differences;
  }
}
