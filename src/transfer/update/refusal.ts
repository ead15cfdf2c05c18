/** Why an update is not made. */
import { nameToText } from '../../protocol/name.js';
import { typeToText } from '../../protocol/rdata/table.js';
import type { UpdateRecord } from './update-message.js';

export interface Refusal {
  /** A number of IANA's registry. */
  readonly rcode: number;
  /** For people: goes into the log, and as EXTRA-TEXT (RFC 8914) to the client. */
  readonly reason: string;
}

/** `www.example. A`, for reasons. */
export function describe({ owner, type }: Pick<UpdateRecord, 'owner' | 'type'>): string {
  return `${nameToText(owner)} ${typeToText(type)}`;
}
