/** Moves the states of a zone's keys with keys that are made while the event loop turns. */

import { generateKeyAside, type SigningKey } from '../../dnssec/keys/signing-key.js';
import { bitsOf } from '../../dnssec/keys.js';
import type { KeyRole, ZoneKeys } from '../../dnssec/rollover/key-state.js';
import type { RolloverPolicy, WantedKey } from '../../dnssec/rollover/rollover-policy.js';
import { step } from '../../dnssec/rollover/step.js';
import { newKeyId } from './stored/key-files.js';

/** A key that was made. */
export interface MadeKey {
  readonly id: string;
  readonly role: KeyRole;
  readonly key: SigningKey;
}

export class KeyMaker {
  /** Keys that were made, but are in no stored state yet. They are taken before others are made. */
  #spare: readonly MadeKey[] = [];

  /**
   * Moves the states as step() does. If a wanted key is missing, one is made and kept as a spare one, and the step is repeated until it has
   * all keys. `made`: the keys that are new in the states.
   */
  async step(
    before: ZoneKeys,
    policy: RolloverPolicy,
    facts: Parameters<typeof step>[2],
  ): Promise<{ readonly keys: ZoneKeys; readonly made: readonly MadeKey[] }> {
    for (;;) {
      const made: MadeKey[] = [];
      const missing: { readonly wanted: WantedKey; readonly taken: readonly number[] }[] = [];
      const { keys } = step(before, policy, facts, (wanted, taken) => {
        const spare = this.#spare.find((one) => isFor(one, wanted) && !taken.includes(one.key.tag));
        if (spare === undefined) {
          missing.push({ wanted, taken });
          return { id: newKeyId(), tag: -1, bits: wanted.bits };
        }
        made.push(spare);
        return { id: spare.id, tag: spare.key.tag, bits: bitsOf(spare.key.dnskey) };
      });
      const [first] = missing;
      if (first === undefined) return { keys, made };
      const { role, algorithm, bits } = first.wanted;
      const key = await generateKeyAside(algorithm, role !== 'zsk', first.taken, bits);
      this.#spare = [...this.#spare, { id: newKeyId(), role, key }];
    }
  }

  /** These keys are in states that are stored. */
  taken(made: readonly MadeKey[]): void {
    this.#spare = this.#spare.filter((one) => !made.includes(one));
  }
}

/** Whether a key that was made is of the kind that is wanted. */
function isFor({ role, key }: MadeKey, wanted: WantedKey): boolean {
  const isOfSize = wanted.bits === undefined || bitsOf(key.dnskey) === wanted.bits;
  return role === wanted.role && key.algorithm === wanted.algorithm && isOfSize;
}
