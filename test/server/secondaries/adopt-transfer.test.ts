import { afterEach, describe, expect, it } from 'vitest';
import { diff } from '../../../src/image/changes/diff.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { ReceivedVersion, SecondaryHost } from '../../../src/server/secondaries/secondary-host.js';
import { systemClock } from '../../../src/session/clock.js';
import type { WholeTransfer } from '../../../src/transfer/in/transferred-version.js';
import { Diagnostics } from '../../../src/zone/diagnostics.js';
import { readZone } from '../../../src/zone/reader.js';
import { loadText } from '../../answer/support.js';
import { adoptTransfer, LoaderLane } from '../../support/adopt-transfer.mjs';

/** Records that a version needs to be compiled in a thread. */
const LARGE = 20_000;
const FACTS = { refresh: 1, retry: 2, expire: 3, expireOption: undefined, octets: 4, messages: 5, records: 6 };

const text = (serial: number, records: number): string => {
  const hosts = Array.from({ length: records }, (_, i) => `host-number-${i} 60 A 192.0.2.${(i + serial) % 250}\n`);
  return `@ 60 SOA ns h ${serial} 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n${hosts.join('')}`;
};
const imageOf = (serial: number, records: number): Uint8Array => loadText('a.test', text(serial, records)).image;

/** As TransferReader leaves it. */
function whole(serial: number, records: number): Extract<WholeTransfer, { form: 'zone' }> {
  const source = { file: 'a.test', bytes: Buffer.from(text(serial, records)), origin: nameFromText('a.test.') };
  return { ...FACTS, serial, form: 'zone', store: readZone(source, new Diagnostics(), {}) };
}

let lane = new LoaderLane(systemClock, true);
afterEach(() => {
  lane.close();
  lane = new LoaderLane(systemClock, true);
});

/** What the host gets of a transfer; `base`: what it serves. */
async function adopted(transfer: WholeTransfer, base?: Uint8Array): Promise<ReceivedVersion> {
  let version: ReceivedVersion | undefined;
  const none = async (): Promise<void> => undefined;
  const host: SecondaryHost = {
    image: async () => base,
    adopt: async (_, received) => void (version = received),
    confirm: none,
    expire: none,
    renew: none,
    log: () => undefined,
  };
  const adoption = { zone: 'a.test.', origin: 'one', before: undefined, milliseconds: () => 0 };
  await adoptTransfer(host, transfer, adoption, { lane, now: 1_780_000_000, nsec3MaxIterations: 150 });
  if (version === undefined) throw new Error('nothing was adopted');
  return version;
}

const linesOf = (image: Uint8Array): string => [...imageText(image)].join('').split('\n').sort().join('\n');

describe('what was transferred', () => {
  it.each([
    ['a small zone in place', 5],
    ['a large zone in a thread, which gets its memory', LARGE],
  ])('becomes a version: %s', async (_, records) => {
    const transfer = whole(7, records);
    const { image, serial, differences, records: count } = await adopted(transfer);
    expect(transfer.store.rdata.length === 0).toBe(records === LARGE);
    expect({ serial, differences, count }).toEqual({ serial: 7, differences: undefined, count: records + 3 });
    expect(linesOf(image)).toBe(linesOf(imageOf(7, records)));
  });

  it.each([
    ['small, in place', 5],
    ['large, in a thread', LARGE],
  ])('as differences becomes a version, %s; if they do not fit, that is the fault named', async (_, records) => {
    const [first, second] = [imageOf(1, records), imageOf(2, records)];
    const difference = diff(first, second);
    const transfer = { ...FACTS, serial: 2, form: 'differences', differences: [difference] } as const;
    const { image, differences } = await adopted(transfer, first);
    expect(linesOf(image)).toBe(linesOf(second));
    expect(differences).toBe(transfer.differences);
    await expect(adopted(transfer, second)).rejects.toMatchObject({ code: 'ADOTD_TRANSFER', fault: 'misfit' });
    await expect(adopted(transfer)).rejects.toMatchObject({ code: 'ADOTD_TRANSFER', fault: 'misfit' });
  });

  it('is given up when the lane is closed before it is compiled', async () => {
    const given = adopted(whole(1, LARGE));
    const refused = expect(given).rejects.toThrow('the loader thread ended before its work was done');
    lane.close();
    await refused;
  });
});
