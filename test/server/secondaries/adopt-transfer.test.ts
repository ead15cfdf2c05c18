import { afterEach, describe, expect, it } from 'vitest';
import { diff } from '../../../src/image/changes/diff.js';
import { imageRun } from '../../../src/image/changes/image-run.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { adoptTransfer } from '../../../src/server/secondaries/adopt-transfer.js';
import type { ReceivedVersion, SecondaryHost } from '../../../src/server/secondaries/secondary-host.js';
import { LoaderLane } from '../../../src/server/zones/jobs/loader-lane.js';
import { systemClock } from '../../../src/session/clock.js';
import type { WholeTransfer } from '../../../src/transfer/in/transferred-version.js';
import { Diagnostics } from '../../../src/zone/diagnostics.js';
import { readZone } from '../../../src/zone/reader.js';
import { loadText } from '../../answer/support.js';

/** Records that a version needs to be compiled in a thread. */
const LARGE = 20_000;
const FACTS = { refresh: 1, retry: 2, expire: 3, expireOption: undefined, octets: 4, messages: 5, records: 6 };

const text = (serial: number, records: number, more = ''): string => {
  const hosts = Array.from({ length: records }, (_, i) => `host-number-${i} 60 A 192.0.2.${(i + serial) % 250}\n`);
  return `@ 60 SOA ns h ${serial} 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n${hosts.join('')}${more}`;
};
const imageOf = (serial: number, records: number): Uint8Array => loadText('a.test', text(serial, records)).image;

/** As TransferReader leaves it. */
function whole(serial: number, records: number, more = ''): Extract<WholeTransfer, { form: 'zone' }> {
  const source = { file: 'a.test', bytes: Buffer.from(text(serial, records, more)), origin: nameFromText('a.test.') };
  return { ...FACTS, serial, form: 'zone', store: readZone(source, new Diagnostics(), {}) };
}

let lane = new LoaderLane(systemClock, true);
afterEach(() => {
  lane.close();
  lane = new LoaderLane(systemClock, true);
});

/** What the host gets of a transfer, and the last line of the log; `base`: what it serves. */
async function adopted(
  transfer: WholeTransfer,
  base?: Uint8Array,
  isSignedHere = false,
): Promise<{ version: ReceivedVersion; line: string }> {
  let version: ReceivedVersion | undefined;
  let line = '';
  const none = async (): Promise<void> => undefined;
  const host: SecondaryHost = {
    image: async () => base,
    adopt: async (_, received) => void (version = received),
    confirm: none,
    expire: none,
    renew: none,
    log: (_level, _fields, text) => void (line = text),
  };
  const adoption = { zone: 'a.test.', origin: 'one', before: undefined, isSignedHere, milliseconds: () => 0 };
  await adoptTransfer(host, transfer, adoption, { lane, now: 1_780_000_000, nsec3MaxIterations: 150 });
  if (version === undefined) throw new Error('nothing was adopted');
  return { version, line };
}

/** Of a version as the primary has it. */
function asItIs({ version }: { version: ReceivedVersion }) {
  if (version.form !== 'version') throw new Error(`found ${version.form}`);
  return version;
}

const linesOf = (image: Uint8Array): string => [...imageText(image)].join('').split('\n').sort().join('\n');

describe('what was transferred', () => {
  it.each([
    ['a small zone in place', 5],
    ['a large zone in a thread, which gets its memory', LARGE],
  ])('becomes a version: %s', async (_, records) => {
    const transfer = whole(7, records);
    const { image, serial, differences, run } = asItIs(await adopted(transfer));
    // It is stored so, without a thread of the keeper.
    expect(run && Buffer.compare(run, imageRun(image))).toBe(0);
    expect(transfer.store.rdata.length === 0).toBe(records === LARGE);
    expect({ serial, differences }).toEqual({ serial: 7, differences: undefined });
    expect(linesOf(image)).toBe(linesOf(imageOf(7, records)));
  });

  it.each([
    ['small, in place', 5],
    ['large, in a thread', LARGE],
  ])('as differences becomes a version, %s; if they do not fit, that is the fault named', async (_, records) => {
    const [first, second] = [imageOf(1, records), imageOf(2, records)];
    const difference = diff(first, second);
    const transfer = { ...FACTS, serial: 2, form: 'differences', differences: [difference] } as const;
    const { image, differences } = asItIs(await adopted(transfer, first));
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

/** What a signer leaves in a zone, without its keys. */
const SIGNED = `@ 60 NSEC ns SOA NS RRSIG NSEC
ns 60 NSEC @ A RRSIG NSEC
@ 60 RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA
@ 60 NSEC3PARAM 1 0 0 -
@ 60 ZONEMD 7 1 1 ${'00'.repeat(48)}
`;
const KEYS = [`DNSKEY 257 3 13 ${Buffer.alloc(64).toString('base64')}`, `CDS 1 13 2 ${'AA'.repeat(32)}`];

describe('what was transferred of a zone that is signed here', () => {
  it.each([
    ['small, in place', 5],
    ['large, in a thread', LARGE],
  ])('is its content, without what another signer has added: %s', async (_, records) => {
    const { version } = await adopted(whole(7, records, SIGNED), undefined, true);
    if (version.form !== 'content') throw new Error(`found ${version.form}`);
    expect(linesOf(version.image)).toBe(linesOf(imageOf(7, records)));
    await expect(adopted(whole(7, records, `${SIGNED}@ 60 ${KEYS[0]}\n`), undefined, true)).rejects.toMatchObject({
      code: 'ADOTD_TRANSFER',
      fault: 'local',
    });
  });

  it.each(KEYS)('is refused with keys of another signer: %s', async (key) => {
    const reason =
      /^found a\.test\. (DNSKEY|CDS) from the primary, expected no keys of another signer .* take `dnssec` out/;
    await expect(adopted(whole(7, 5, `@ 60 ${key}\n`), undefined, true)).rejects.toThrow(reason);
    const below = await adopted(whole(7, 5, `sub 60 ${key}\n`), undefined, true);
    expect(below.version.form).toBe('content');
    const difference = diff(
      loadText('a.test', text(1, 5)).image,
      loadText('a.test', text(2, 5, `@ 60 ${key}\n`)).image,
    );
    const transfer = { ...FACTS, serial: 2, form: 'differences', differences: [difference] } as const;
    await expect(adopted(transfer, undefined, true)).rejects.toThrow(reason);
  });

  it('is what leads from its content to the next one, whatever is served', async () => {
    const images = [1, 2, 3].map((serial) => loadText('a.test', text(serial, 5, serial === 2 ? '' : SIGNED)).image);
    const differences = [diff(images[0]!, images[1]!), diff(images[1]!, images[2]!)];
    const transfer = { ...FACTS, serial: 3, form: 'differences', differences } as const;
    const { version, line } = await adopted(transfer, undefined, true);
    if (version.form !== 'change') throw new Error(`found ${version.form}`);
    const { from, to, removed, added } = diff(imageOf(1, 5), imageOf(3, 5));
    expect(version.difference).toMatchObject({ from, to, removed, added });
    expect([version.serial, line]).toEqual([
      3,
      'zone a.test. transferred from one, IXFR to 3: 5 messages, 6 records, 4 octets, 0 ms',
    ]);
    const [first] = differences;
    await expect(adopted({ ...transfer, differences: [first!, first!] }, undefined, true)).rejects.toMatchObject({
      fault: 'misfit',
    });
  });
});
