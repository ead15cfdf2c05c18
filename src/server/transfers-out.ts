/** Reports about transfers to secondaries: a line of the log for each, and totals for the metrics. */

import { Transport } from '../answer/facts.js';
import { TransferEnd } from '../answer/transfer/transfer-end.js';
import { counted } from '../errors.js';
import type { Log } from '../observe/log.js';
import { NO_TRANSFERS, type TransferFacts } from '../observe/metrics/transfer-facts.js';
import { nameToText } from '../protocol/name.js';
import { addressText } from '../session/describe.js';
import { ConnectionLimits } from '../session/limits.js';
import type { TransferReport } from '../transfer/out/zone-desk.js';
import type { ThreadSettings } from './plane/thread-settings.js';

const TRANSPORTS = Object.entries(Transport);

/** Why a transfer that is not complete has ended, for people. */
const REASONS: Readonly<Record<Exclude<TransferEnd, 'complete'>, string>> = {
  [TransferEnd.CLIENT]: 'the client has closed the connection',
  [TransferEnd.IDLE]: 'the client took nothing for `transfer.idle_timeout`',
  [TransferEnd.TIMEOUT]: 'it took longer than `transfer.timeout`',
  [TransferEnd.STOPPED]: 'the server stops',
  [TransferEnd.FAILED]: 'a message could not be made',
};

export class TransfersOut {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  #facts: TransferFacts = NO_TRANSFERS;

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** A transfer is over. */
  add(report: TransferReport): void {
    const { form, end, records, octets } = report;
    const ends = { ...this.#facts.ends, [`${form} ${end}`]: (this.#facts.ends[`${form} ${end}`] ?? 0) + 1 };
    this.#facts = { ...this.#facts, ends, records: this.#facts.records + records, octets: this.#facts.octets + octets };
    this.#write(report);
  }

  /** Totals, and how many transfers there are now. `settings`: those in force. */
  facts({ transfers, sharedTransfers }: Pick<ThreadSettings, 'transfers' | 'sharedTransfers'>): TransferFacts {
    const open = transfers === undefined ? 0 : new ConnectionLimits(transfers.limits, sharedTransfers).open;
    return { ...this.#facts, open, limit: transfers?.limits.connections ?? 0 };
  }

  #write({
    zone,
    client,
    key,
    form,
    from,
    serial,
    messages,
    records,
    octets,
    milliseconds,
    ...report
  }: TransferReport): void {
    const name = nameToText(zone);
    const to = addressText(client);
    const fields = {
      zone: name,
      client: to,
      port: report.clientPort,
      transport: TRANSPORTS.find(([, transport]) => transport === report.transport)?.[0].toLowerCase(),
      key: key && nameToText(key),
      form,
      from,
      serial,
      messages,
      records,
      octets,
      milliseconds: Math.round(milliseconds),
      end: report.end,
    };
    const what = `${form === 'ixfr' ? `changes of ${name} from serial ${from} to` : `zone ${name} serial`} ${serial}`;
    const much = `${counted(records, 'record')}, ${counted(octets, 'octet')}`;
    if (report.end === TransferEnd.COMPLETE) this.#log.info(fields, `sent ${what} to ${to}: ${much}`);
    else this.#log.warn(fields, `did not send all of ${what} to ${to}: ${REASONS[report.end]}, after ${much}`);
  }
}
