/** The service's state of a zone, and the options of the service. */
import type { Clock } from '../../session/clock.js';
import type { ZoneRefresh } from '../../transfer/in/zone-refresh.js';
import type { LoaderLane } from '../zones/jobs/loader-lane.js';
import type { Resolve } from './primary.js';
import type { RoundResult, SecondaryZone } from './secondary-host.js';
import type { TransferLitter } from './transfer-litter.js';

export interface ServiceOptions {
  readonly clock: Clock;
  /** Makes versions of transfers; closed with the service. */
  readonly lane: LoaderLane;
  readonly resolve: Resolve;
  /** Seconds that no change of the time of day moves (elapsed-time.ts). */
  readonly elapsed: () => number;
  readonly random?: () => number;
  /** In a thread of its own; closed with the service. */
  readonly litter?: Pick<TransferLitter, 'left' | 'close'>;
}

export interface RunningZone {
  settings: SecondaryZone;
  readonly refresh: ZoneRefresh;
  failures: string[];
  isNew: boolean;
  error: string | undefined;
  waiting: ((result: RoundResult) => void)[];
}
