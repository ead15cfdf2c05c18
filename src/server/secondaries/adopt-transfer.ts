/** Makes a version of what was transferred, has it stored and served, and says so in one line. */
import { AdotdError, counted, messageOf } from '../../errors.js';
import { transferText } from '../../transfer/in/transfer.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import type { TransferredVersion, WholeTransfer } from '../../transfer/in/transferred-version.js';
import type { LoaderLane } from '../zones/jobs/loader-lane.js';
import type { SecondaryHost } from './secondary-host.js';

/** Lines of warnings about one version in the log. A guess. */
const LOGGED_WARNINGS = 5;

interface Adoption {
  /** As zoneKey() makes it. */
  readonly zone: string;
  /** The remote that gave the version. */
  readonly origin: string;
  /** Serial of the version before. */
  readonly before: number | undefined;
  /** Since the transfer began. */
  milliseconds(): number;
}

/** What versions are made with. */
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
  { zone, origin, before, milliseconds }: Adoption,
  making: Making,
): Promise<void> {
  const base = transfer.form === 'differences' ? await host.image(zone) : undefined;
  const version = await compiled(transfer, base, making);
  const { image, serial, records, signaturesExpire, warnings, warningCount } = version;
  const differences = transfer.form === 'differences' ? transfer.differences : undefined;
  const { refresh, retry, expire, expireOption } = transfer;
  const wall = making.now;
  const facts = { serial, refresh, retry, expire, origin, checkedAt: wall, expiresAt: wall + (expireOption ?? expire) };
  try {
    await host.adopt(zone, { image, differences, serial, origin, records, signaturesExpire, facts });
  } catch (error) {
    throw new TransferError(TransferFault.LOCAL, `it cannot be stored: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  }
  for (const line of warnings.slice(0, LOGGED_WARNINGS)) host.log('warn', { zone }, line);
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

/** Compiles what came, in a thread if it is large: connections to primaries do not wait for it. */
async function compiled(
  transfer: WholeTransfer,
  base: Uint8Array | undefined,
  { lane, now, nsec3MaxIterations }: Making,
): Promise<TransferredVersion> {
  const { form } = transfer;
  const content = form === 'zone' ? { columns: transfer.store.columns() } : { differences: transfer.differences, base };
  try {
    return await lane.run({ kind: 'transferred', content, now, nsec3MaxIterations });
  } catch (error) {
    if (form === 'zone' || !(error instanceof AdotdError) || error instanceof TransferError) throw error;
    // From the thread comes the code of an error, not its fault: all coded errors of differences are of this kind.
    throw new TransferError(TransferFault.MISFIT, error.message, undefined, { cause: error });
  }
}
