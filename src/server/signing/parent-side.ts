/** The side of signing that faces the parents of zones: they are told of new keys, and the zones of nameservers vouch for new zones. */
import type { Config } from '../../config/schema.js';
import { isBootstrapping } from '../../dnssec/rollover/bootstrap.js';
import type { ZoneKeys } from '../../dnssec/rollover/key-state.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import { ParentNotifier } from '../notify/parent-notifier.js';
import { additionsTable } from '../signals/additions-table.js';
import { zonePolicyOf } from '../zone-policy.js';
import type { KeptState } from '../zones/kept-state.js';
import type { ZoneKeeper } from '../zones/zone-keeper.js';
import { BootstrapSignals } from './bootstrap-signals.js';

interface ParentSideParts {
  readonly keeper: Pick<ZoneKeeper, 'get' | 'all' | 'change' | 'onPublished'>;
  readonly state: Pick<KeptState, 'table'>;
  /** The part of the server that has the keys. */
  readonly signing: { keysOf(zone: string): ZoneKeys | undefined };
  readonly clock: Clock;
  readonly log: Log;
  /** Another in tests. */
  readonly sockets?: ConstructorParameters<typeof ParentNotifier>[1]['sockets'];
}

/** Name of the table of signals in the state. */
const TABLE = 'signals';

export class ParentSide {
  readonly #notifier: ParentNotifier;
  readonly #signals: BootstrapSignals;
  #policyOf: ReturnType<typeof zonePolicyOf>;

  constructor(config: Config, { keeper, state, signing, clock, log, sockets }: ParentSideParts) {
    this.#policyOf = zonePolicyOf(config);
    this.#notifier = new ParentNotifier(config, {
      image: (zone) => keeper.get(zone)?.image,
      childZone: (zone) => {
        const keys = signing.keysOf(zone);
        const delay = this.#policyOf(zone).dnssec?.rollover.propagation ?? 0;
        return keys && { delay, isWaiting: isParentAsked(keys) };
      },
      clock,
      log,
      ...(sockets && { sockets }),
    });
    this.#signals = new BootstrapSignals({
      keeper,
      isSigned: (zone) => keeper.get(zone)?.plan !== undefined,
      isBootstrapping: (zone) => {
        const keys = signing.keysOf(zone);
        return keys !== undefined && isBootstrapping(keys);
      },
      table: additionsTable(state.table(TABLE), 'signals', log),
      clock,
      log,
    });
    keeper.onPublished((zone) => this.#changed(zone));
    for (const { zone } of keeper.all()) this.#changed(zone);
  }

  configure(config: Config): void {
    this.#policyOf = zonePolicyOf(config);
    this.#notifier.configure(config);
    this.#signals.changed();
  }

  async close(): Promise<void> {
    await this.#notifier.close();
    await this.#signals.close();
  }

  #changed(zone: string): void {
    this.#notifier.changed(zone);
    this.#signals.changed();
  }
}

/** Whether the parent has yet to publish or to remove a DS record, as far as is known. */
function isParentAsked({ keys }: ZoneKeys): boolean {
  return keys.some(
    ({ records: { ds }, parent }) =>
      (ds.state === 'rumoured' && parent.seen === undefined) ||
      (ds.state === 'unretentive' && parent.gone === undefined),
  );
}
