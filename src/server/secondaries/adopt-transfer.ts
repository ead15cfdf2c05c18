/** Makes a version of what was transferred, has it stored and served, and says so in one line. */
import { counted, messageOf } from '../../errors.js';
import type { LoadOptions } from '../../image/load.js';
import { transferText } from '../../transfer/in/transfer.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import { compileTransfer, type WholeTransfer } from '../../transfer/in/transferred-version.js';
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

/** Rejects with a TransferError, and with the coded errors of zones; then the version before stays. */
export async function adoptTransfer(
  host: SecondaryHost,
  transfer: WholeTransfer,
  { zone, origin, before, milliseconds }: Adoption,
  options: LoadOptions,
): Promise<void> {
  const base = transfer.form === 'differences' ? await host.image(zone) : undefined;
  const version = compileTransfer(transfer, base, options);
  const { image, differences, serial, records, signaturesExpire, warnings, warningCount } = version;
  const { refresh, retry, expire, expireOption } = transfer;
  const wall = options.now;
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
