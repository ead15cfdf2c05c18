/**
 * UPDATE messages by chance: those of the cases, with octets changed. Whatever comes, the reader ends with a message or a reason, and what is
 * accepted leads to a zone that passes all checks.
 */
import { applyDifference } from '../../src/image/changes/apply.js';
import { PendingView } from '../../src/image/changes/pending-view.js';
import { ImageView } from '../../src/image/changes/zone-view.js';
import { load } from '../../src/image/load.js';
import { nameFromText, sameName } from '../../src/protocol/name.js';
import { judgeUpdate } from '../../src/transfer/update/judge-update.js';
import { readUpdate } from '../../src/transfer/update/update-message.js';
import { Permissions } from '../../src/transfer/update/update-policy.js';
import { type Chance, chanceOf } from '../reference/generate.js';
import { CHANGES, PREREQUISITES, REFUSALS } from '../transfer/update/cases.js';
import { updateMessage, ZONE } from '../transfer/update/update-case.js';

const OPTIONS = { now: 1_780_000_000 };
const APEX = nameFromText('example.');
const KEY = nameFromText('k.');
const ALL = new Set(Array.from({ length: 65_536 }, (_, type) => type));
const CASES = [...PREREQUISITES, ...CHANGES, ...REFUSALS];

interface UpdateFuzzReport {
  /** Messages that could be read. */
  readonly read: number;
  /** Messages that changed the zone. */
  readonly changed: number;
  /** The first message that was handled wrongly, in hexadecimal, and the fault. */
  readonly failure: string | undefined;
}

function someUpdate(chance: Chance): Uint8Array {
  const pick = (): (typeof CASES)[number] => CASES[chance.below(CASES.length)]!;
  const changes = Array.from({ length: chance.below(4) }, () => pick().changes ?? []).flat();
  const prerequisites = chance.percent(20) ? (pick().prerequisites ?? []) : [];
  let message = updateMessage({ prerequisites, changes });
  for (let i = chance.below(5); i > 0; i--) {
    const at = 12 + chance.below(message.length);
    const how = chance.below(8);
    if (how < 3) message[at] = chance.below(256);
    else if (how === 3) message[at] = (message[at] ?? 0) ^ (1 << chance.below(8));
    else if (how === 4) message = message.slice(0, at);
    else if (how === 5) message[4 + chance.below(8)] = chance.below(4);
    else if (how === 6)
      message = Uint8Array.from([...message.subarray(0, at), 0xc0, chance.below(64), ...message.subarray(at)]);
    else message = Uint8Array.from([...message, ...message.subarray(at)]);
  }
  return message;
}

/** Runs `count` messages from `seed`. */
export function fuzzUpdates(count: number, seed: number): UpdateFuzzReport {
  const { image } = load({ file: 'zone', bytes: Buffer.from(`${ZONE.join('\n')}\n`), origin: APEX }, OPTIONS);
  const permissions = new Permissions([{ key: KEY, allow: [{ subdomain: APEX, types: ALL }] }], {
    key: KEY,
    isRemote: () => false,
  });
  let [read, changed] = [0, 0];
  for (let i = 0; i < count; i++) {
    const message = someUpdate(chanceOf(seed + Math.imul(i, 2_654_435_761)));
    try {
      const update = readUpdate(message);
      if (typeof update === 'string' || !sameName(update.zone, 0, APEX, 0)) continue;
      read++;
      const { changes } = judgeUpdate(new ImageView(image!), update, permissions);
      if (changes === undefined) continue;
      changed++;
      const view = new PendingView(new ImageView(image!));
      view.apply(changes);
      const { diagnostics } = applyDifference(image!, view.difference(4_000_000_000), OPTIONS);
      const error = diagnostics.list.find(({ severity }) => severity === 'error');
      if (error !== undefined) throw new Error(error.message);
    } catch (error) {
      const hex = Buffer.from(message).toString('hex');
      const text = error instanceof Error ? error.stack : String(error);
      return { read, changed, failure: `seed ${seed}, message ${i}: ${text}: ${hex}` };
    }
  }
  return { read, changed, failure: undefined };
}
