/** The result of a transfer. */
import { counted } from '../../errors.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { RecordStore } from '../../zone/store.js';
import type { SoaTimes } from './soa-answer.js';

interface TransferFacts extends SoaTimes {
  /** Seconds until the primary's own version expires (RFC 7314); undefined: it did not say. */
  readonly expireOption: number | undefined;
  /** Octets that came, without the lengths before messages. */
  readonly octets: number;
  readonly messages: number;
  readonly records: number;
}

export type Transfer = TransferFacts &
  (
    | /** There is no newer version (RFC 1995 §2). */
    { readonly form: 'current' } /** All records of the zone. */
    | {
        readonly form: 'zone';
        readonly store: RecordStore;
      } /** Differences from the version that is there, in order. */
    | { readonly form: 'differences'; readonly differences: readonly Difference[] }
  );

/** The size of a transfer, for the log: `12 messages, 34 records, 5678 octets`. */
export function transferText({ messages, records, octets }: TransferFacts): string {
  return `${counted(messages, 'message')}, ${counted(records, 'record')}, ${counted(octets, 'octet')}`;
}
