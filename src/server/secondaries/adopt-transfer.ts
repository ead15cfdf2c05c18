/** Makes a version of a transfer, has it stored and served, and logs that in one line. */
import { AdotdError, counted, ErrorCode, messageOf } from '../../errors.js';
import { transferText } from '../../transfer/in/transfer.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import type { WholeTransfer } from '../../transfer/in/transferred-version.js';
import { unsignedDifference } from '../../transfer/in/unsigned-transfer.js';
import { compose } from '../../zone/changes/compose.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { LoaderLane } from '../zones/jobs/loader-lane.js';
import type { ReceivedRecords, SecondaryHost } from './secondary-host.js';

/** Lines of warnings about one version in the log. A guess. */
const LOGGED_WARNINGS = 5;

interface Adoption {
  /** As zoneKey() makes it. */
  readonly zone: string;
  /** The remote that gave the version. */
  readonly origin: string;
  /** Serial of the version before. */
  readonly before: number | undefined;
  readonly isSignedHere: boolean;
  /** Since the transfer began. */
  milliseconds(): number;
}

/** The parts for making versions. */
interface Making {
  readonly lane: LoaderLane;
  /** Seconds since 1970. */
  readonly now: number;
  readonly nsec3MaxIterations: number;
}

/** Rejects with a TransferError, and with the coded errors of zones; then the version before stays. */
export async function adoptTransfer(
  host: SecondaryHost,
  transfer: WholeTransfer,
  { zone, origin, before, isSignedHere, milliseconds }: Adoption,
  making: Making,
): Promise<void> {
  const { made, lines, warningCount, records } =
    isSignedHere && transfer.form === 'differences'
      ? changed(transfer.differences)
      : await compiled(host, zone, transfer, isSignedHere, making);
  const { serial, refresh, retry, expire, expireOption } = transfer;
  const wall = making.now;
  const facts = { serial, refresh, retry, expire, origin, checkedAt: wall, expiresAt: wall + (expireOption ?? expire) };
  try {
    await host.adopt(zone, { ...made, serial, origin, facts });
  } catch (error) {
    throw notAdopted(error, made.form);
  }
  for (const line of lines.slice(0, LOGGED_WARNINGS)) host.log('warn', { zone }, line);
  const took = milliseconds();
  const form = transfer.form === 'zone' ? 'AXFR' : 'IXFR';
  const from = before === undefined ? '' : ` from serial ${before}`;
  const notes = warningCount === 0 ? '' : `; ${counted(warningCount, 'warning')}`;
  const { octets } = transfer;
  host.log(
    'info',
    { zone, primary: origin, form, before, after: serial, records, octets, milliseconds: took },
    `zone ${zone} transferred from ${origin}, ${form}${from} to ${serial}: ${transferText(transfer)}, ${took} ms${notes}`,
  );
}

/** The records of a transfer that are adopted, and the lines of the log about them. */
interface Received {
  readonly made: ReceivedRecords;
  readonly lines: readonly string[];
  readonly warningCount: number;
  /** undefined: that is known when the change is made. */
  readonly records: number | undefined;
}

/** Of a zone that is signed here, the differences do not begin at the served version: the keeper of zones applies them. */
function changed(differences: readonly Difference[]): Received {
  try {
    const difference = unsignedDifference(differences.reduce(compose));
    return { made: { form: 'change', difference }, lines: [], warningCount: 0, records: undefined };
  } catch (error) {
    throw error instanceof TransferError ? error : misfit(error);
  }
}

/** Errors of differences that do not fit the content that they are applied to. */
const MISFITS: readonly unknown[] = [
  ErrorCode.RECORD_MISSING,
  ErrorCode.RECORD_PRESENT,
  ErrorCode.CHANGE_SERIAL,
  ErrorCode.ZONE_INVALID,
];

function notAdopted(error: unknown, form: ReceivedRecords['form']): Error {
  if (form === 'change' && error instanceof AdotdError && MISFITS.includes(error.code)) return misfit(error);
  return new TransferError(TransferFault.LOCAL, `it cannot be stored: ${messageOf(error)}`, undefined, {
    cause: error,
  });
}

function misfit(error: unknown): Error {
  if (!(error instanceof AdotdError)) return error as Error;
  return new TransferError(TransferFault.MISFIT, error.message, undefined, { cause: error });
}

/** Compiles a transfer, in a thread if it is large: connections to primaries do not wait for it. */
async function compiled(
  host: SecondaryHost,
  zone: string,
  transfer: WholeTransfer,
  isSignedHere: boolean,
  { lane, now, nsec3MaxIterations }: Making,
): Promise<Received> {
  const { form } = transfer;
  const content =
    form === 'zone'
      ? { columns: transfer.store.columns() }
      : { differences: transfer.differences, base: await host.image(zone) };
  try {
    const job = { kind: 'transferred', content, isSignedHere, now, nsec3MaxIterations } as const;
    const { image, records, warnings: lines, warningCount } = await lane.run(job);
    const differences = form === 'differences' ? transfer.differences : undefined;
    if (isSignedHere) return { made: { form: 'content', image }, lines, warningCount, records };
    // It is stored whole. The thread that has compiled it is there; that of the keeper would begin for this alone.
    const run = form === 'zone' ? await lane.run({ kind: 'run', image }) : undefined;
    return { made: { form: 'version', image, differences, run }, lines, warningCount, records };
  } catch (error) {
    // From the thread comes the code of an error, not its fault.
    if (!(error instanceof AdotdError) || error instanceof TransferError) throw error;
    if (form === 'differences') throw misfit(error);
    if (error.code === ErrorCode.TRANSFER) throw new TransferError(TransferFault.LOCAL, error.message);
    throw error;
  }
}
