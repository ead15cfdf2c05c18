/** The difference between two images of a zone. Hot file for the records that both have: integers and octets. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { compareNames, nameToText, sameName } from '../../protocol/name.js';
import { type Difference, differenceOf } from '../../zone/changes/difference.js';
import { compareRdata, type RunPair, RunWriter } from '../../zone/changes/record-run.js';
import { imageFacts } from '../image-facts.js';
import { ImageRecords } from './image-records.js';
import { addOwner, addRecord } from './image-run.js';

/**
 * The changes that lead from the zone of image `older` to that of `newer`. A record with another TTL, or with other letter case in its
 * names, is removed and added; so a change of TTL has the whole RRset. Throws ADOTD_OUT_OF_ZONE when the images are of two
 * zones, ADOTD_CHANGE_SERIAL when they have the same serial.
 */
export function diff(older: Uint8Array, newer: Uint8Array): Difference {
  const { removed, added } = recordsBetween(older, newer);
  const { apex, serial } = imageFacts(newer);
  if (serial === imageFacts(older).serial) {
    const found = `found serial ${serial} in both versions of ${nameToText(apex)}`;
    throw new AdotdError(ErrorCode.CHANGE_SERIAL, `${found}, expected another one in the newer`);
  }
  return differenceOf(apex, removed, added);
}

/** As diff(), but the images may have the same serial. */
export function recordsBetween(older: Uint8Array, newer: Uint8Array): RunPair {
  const [a, b] = [new ImageRecords(older, true), new ImageRecords(newer, true)];
  if (!sameName(a.apex, 0, b.apex, 0)) {
    const found = `found ${nameToText(b.apex)} as the newer version of ${nameToText(a.apex)}`;
    throw new AdotdError(ErrorCode.OUT_OF_ZONE, `${found}, expected two versions of one zone`);
  }
  const removed = new RunWriter();
  const added = new RunWriter();
  let [hasA, hasB] = [a.next(), b.next()];
  while (hasA || hasB) {
    const order = !hasA ? 1 : !hasB ? -1 : compareNames(a.owner, a.ownerAt, b.owner, b.ownerAt);
    if (order < 0) addOwner(a, removed);
    else if (order > 0) addOwner(b, added);
    else takeDifferent(a, b, removed, added);
    if (order <= 0) hasA = a.next();
    if (order >= 0) hasB = b.next();
  }
  return { removed: removed.finish(), added: added.finish() };
}

function takeDifferent(a: ImageRecords, b: ImageRecords, removed: RunWriter, added: RunWriter): void {
  const isRenamed = !isSpeltAlike(a.owner, a.ownerAt, b.owner, b.ownerAt, a.ownerLength);
  let [i, j] = [0, 0];
  while (i < a.records.count || j < b.records.count) {
    const order = i === a.records.count ? 1 : j === b.records.count ? -1 : compare(a, i, b, j);
    if (order !== 0 || isRenamed || !isSame(a, i, b, j)) {
      if (order <= 0) addRecord(a, i, removed);
      if (order >= 0) addRecord(b, j, added);
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
}

/** Compares two records of one owner, by their numbers in canonical order. */
function compare(a: ImageRecords, i: number, b: ImageRecords, j: number): number {
  const [x, y] = [a.records, b.records];
  const [one, other] = [x.order[i]!, y.order[j]!];
  return (
    x.type[one]! - y.type[other]! ||
    compareRdata(x.type[one]!, x.rdata(one), x.at[one]!, x.length[one]!, y.rdata(other), y.at[other]!, y.length[other]!)
  );
}

/** Whether two records that compare as equal have the same TTL and letter case. */
function isSame(a: ImageRecords, i: number, b: ImageRecords, j: number): boolean {
  const [x, y] = [a.records, b.records];
  const [one, other] = [x.order[i]!, y.order[j]!];
  return (
    x.ttl[one] === y.ttl[other] && isSpeltAlike(x.rdata(one), x.at[one]!, y.rdata(other), y.at[other]!, x.length[one]!)
  );
}

function isSpeltAlike(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}
