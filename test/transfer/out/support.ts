/** Transfers without a server: their messages, and the records in them. */
import { ImageRecords } from '../../../src/image/changes/image-records.js';
import { imageView } from '../../../src/transfer/out/image-view.js';
import { chooseTransfer } from '../../../src/transfer/out/transfer-choice.js';
import { TransferMessages, type TransferQuery } from '../../../src/transfer/out/transfer-messages.js';
import type { Difference } from '../../../src/zone/changes/difference.js';
import { decodeMessage, type Message } from '../../support/message.js';
import { nameFromText, nameToText } from '../../support/names.js';

export const NOW = 1_795_000_000;
const AXFR = 252;
const IXFR = 251;
const NO_OPT = { first: new Uint8Array(0), rest: new Uint8Array(0), isPadded: false };

export function viewOf(image: Uint8Array): ReturnType<typeof imageView> {
  return imageView({ words: new Int32Array(image.buffer, image.byteOffset, image.byteLength >> 2), bytes: image }, 0);
}

export function transferQuery(apex: string, change: Partial<TransferQuery> = {}, type = AXFR): TransferQuery {
  const question = Uint8Array.from([...nameFromText(apex), 0, type, 0, 1]);
  return { id: 4711, recursionDesired: false, question, opts: NO_OPT, tsig: undefined, ...change };
}

/** The messages as octets, between octets that must not be touched. */
export function messagesOf(messages: TransferMessages): Uint8Array[] {
  const out = new Uint8Array(70_000);
  const all: Uint8Array[] = [];
  for (let i = 0; ; i++) {
    const at = 1 + (i % 7);
    out.fill(0xa5);
    const length = messages.next(out, at, 65_535, NOW);
    if (length === 0) return all;
    all.push(out.slice(at, at + length));
  }
}

/** The messages of a transfer of the image; `serial`: of IXFR. */
export function transferOf(
  image: Uint8Array,
  apex: string,
  change: Partial<TransferQuery> = {},
  serial?: number,
  history?: readonly Difference[],
): Message[] {
  const view = viewOf(image);
  const { content } = chooseTransfer(view, serial, history);
  const query = transferQuery(apex, change, serial === undefined ? AXFR : IXFR);
  return messagesOf(new TransferMessages(query, view, content)).map(decodeMessage);
}

/** Records as text that can be compared: owner, type, TTL, RDATA in hexadecimal. */
export function recordsOf(messages: readonly Message[]): string[] {
  return messages.flatMap(({ answer }) =>
    answer.map(({ owner, type, ttl, rdata }) => `${owner} ${type} ${ttl} ${rdata}`),
  );
}

/** All records of an image in the same form, in no order that counts. */
export function recordsOfImage(image: Uint8Array): string[] {
  const all: string[] = [];
  for (const zone = new ImageRecords(image, false); zone.next(); ) {
    const { records } = zone;
    const owner = nameToText(zone.owner.slice(zone.ownerAt, zone.ownerAt + zone.ownerLength));
    for (let i = 0; i < records.count; i++) {
      const rdata = records.rdata(i).subarray(records.at[i]!, records.at[i]! + records.length[i]!);
      all.push(`${owner} ${records.type[i]} ${records.ttl[i]} ${Buffer.from(rdata).toString('hex')}`);
    }
  }
  return all;
}
