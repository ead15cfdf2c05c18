import type { TransferWriter } from './transfer-writer.js';

/** The records of a transfer, in their order. */
export interface TransferContent {
  /**
   * Writes as many records as have room into the message that the writer has begun. Returns whether these were the last ones. Throws when a
   * record has room in no message.
   */
  fill(writer: TransferWriter): boolean;
}

/** A record has room in no message: its owner and RDATA have nearly 65,535 octets. */
export class RecordTooLong extends Error {
  override readonly name = 'RecordTooLong';

  constructor(owner: string) {
    super(`a record of ${owner} is too long for a message: it cannot be transferred`);
  }
}
