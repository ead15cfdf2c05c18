import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import type { Log } from '../../../src/observe/log.js';
import { openTls } from '../../../src/server/certificates/open-tls.js';
import type { TlsService } from '../../../src/server/certificates/tls-service.js';
import { FakeClock } from '../../support/clock.js';
import { DAY, type Made, make, temporaryFolder } from '../../tls/support.js';

let folder: ReturnType<typeof temporaryFolder>;
let clock: FakeClock;
let service: TlsService | undefined;
let lines: string[];
beforeEach(() => {
  folder = temporaryFolder();
  clock = new FakeClock();
  clock.now = Date.UTC(2030, 0, 1);
  lines = [];
});
afterEach(() => {
  service?.close();
  folder[Symbol.dispose]();
});

const NAMESERVERS = ['ns1.a.test.'];
const log: Log = {
  debug() {},
  info() {},
  warn: (_, message) => lines.push(`warn: ${message}`),
  error: (_, message) => lines.push(`error: ${message}`),
};
/** A certificate that is valid between these moments, in milliseconds from the start. */
const within = (from: number, to: number, name = 'ns1.a.test'): Promise<Made> =>
  make({ names: [name], from: new Date(clock.now + from), to: new Date(clock.now + to) });
const put = (name: string, { cert, key }: Made): object => {
  return { cert: folder.put(`${name}.pem`, cert), key: folder.put(`${name}.key`, key) };
};
async function open(tls: object, changes: object = {}): Promise<TlsService> {
  const config = configSchema.parse({ tls: { certs_folder: join(folder.path, 'certs'), ...tls }, ...changes });
  service = await openTls(config, NAMESERVERS, clock, log);
  return service;
}
const names = ({ certificates }: TlsService) => certificates.map((certificate) => certificate.names[0]);
/** Moves the clock on, and waits for what that has begun: files are read at once, other work takes some turns of the event loop. */
async function advance(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
const said = (): string[] => lines.splice(0);

describe('a renewed certificate that is not valid yet', () => {
  it('is taken when its time comes, by itself, while the one before it is served', async () => {
    const one = put('one', await within(-DAY, 90 * DAY, 'old.test'));
    const tls = await open({ certificates: [one] });
    said();
    put('one', await within(5000, 90 * DAY));
    expect(await tls.refresh(NAMESERVERS)).toMatchObject({
      result: 'kept',
      certificates: [expect.stringContaining('is taken then')],
    });
    expect([names(tls), tls.problems, tls.pairs]).toEqual([
      ['old.test'],
      [expect.stringMatching(/one\.pem is not valid before 2030-01-01T00:00:05/)],
      { served: 0, kept: 1, failed: 0, held: 0 },
    ]);
    await advance(4999);
    expect(names(tls)).toEqual(['old.test']);
    await advance(1);
    expect([names(tls), tls.problems, tls.pairs.kept]).toEqual([['ns1.a.test'], [], 0]);
  });

  it('is looked at every hour: somebody may set the clock', async () => {
    const one = put('one', await within(-DAY, 90 * DAY, 'old.test'));
    const tls = await open({ certificates: [one] });
    put('one', await within(30 * DAY, 90 * DAY));
    await tls.refresh(NAMESERVERS);
    put('one', await within(-DAY, 90 * DAY));
    await advance(3_599_000);
    expect(names(tls)).toEqual(['old.test']);
    await advance(1000);
    expect(names(tls)).toEqual(['ns1.a.test']);
  });
});

describe('a served certificate', () => {
  it('that expires is said to have expired at that moment, every day, and by the status', async () => {
    const tls = await open({ certificates: [put('one', await within(-DAY, 60_000))] });
    expect(said()).toEqual([expect.stringMatching(/^warn: certificate \S+one\.pem expires at .*, in 0 days$/)]);
    expect(tls.problems).toEqual([]);
    await advance(60_000);
    const expired = expect.stringMatching(/one\.pem expired at 2030-01-01T00:01:00.*it is served all the same/);
    expect([said(), tls.problems]).toEqual([[expired], [expired]]);
    // Nor does it fail a reload: nothing in the files has changed.
    expect(await tls.refresh(NAMESERVERS)).toMatchObject({ result: 'unchanged', certificates: [] });
    expect(said()).toEqual([]);
    await advance(DAY);
    expect(said()).toEqual([expired]);
  });

  it.each([
    ['expired', -2 * DAY, -DAY, /^error: certificate \S+one\.pem expired at /],
    ['not valid yet', DAY, 90 * DAY, /^error: certificate \S+one\.pem is not valid before .*; is the clock right\?$/],
  ])('may be %s at the start, with strict too, which is an error in the log', async (_, from, to, message) => {
    const tls = await open({ certificates: [put('one', await within(from, to))] }, { strict: true });
    expect(names(tls)).toEqual(['ns1.a.test']);
    expect(said()).toEqual([expect.stringMatching(message)]);
    expect(tls.problems).toHaveLength(1);
  });

  it('that names no nameserver of any zone has a warning, which is no problem', async () => {
    const tls = await open({ certificates: [put('one', await within(-DAY, 90 * DAY, 'www.a.test'))] });
    expect([said(), tls.problems]).toEqual([
      [
        expect.stringMatching(
          /^warn: certificate \S+one\.pem names no nameserver of any zone: it is for www\.a\.test, and the zones name ns1\.a\.test\.;/,
        ),
      ],
      [],
    ]);
    await tls.refresh(['www.a.test.']);
    await tls.refresh(NAMESERVERS);
    expect(said()).toHaveLength(1);
  });
});

describe('a file that cannot be used at the start', () => {
  it('leaves the others, and is taken when it can be used', async () => {
    const [one, two] = [put('one', await within(-DAY, 90 * DAY, 'one.test')), put('two', await within(-DAY, 90 * DAY))];
    rmSync(join(folder.path, 'one.key'));
    const tls = await open({ certificates: [one, two] });
    expect([names(tls), tls.pairs, tls.mistakes.certificates]).toEqual([
      ['ns1.a.test'],
      { served: 1, kept: 0, failed: 1, held: 0 },
      [expect.stringMatching(/one\.key: no such file/)],
    ]);
    expect(said()).toEqual([
      expect.stringMatching(/^error: a certificate is not served: cannot read private key \S+one\.key/),
    ]);
    put('one', await within(-DAY, 90 * DAY, 'one.test'));
    expect((await tls.refresh(NAMESERVERS)).result).toBe('replaced');
    expect(names(tls)).toEqual(['one.test', 'ns1.a.test']);
    expect(tls.files).toHaveLength(4);
  });

  it('of ticket keys has random keys in its place', async () => {
    const file = join(folder.path, 'keys');
    const tls = await open({ ticket_key_file: file });
    expect(tls.settings.ticketKey).toHaveLength(48);
    expect([tls.problems, tls.mistakes.ticketKeys]).toEqual([
      [expect.stringMatching(/cannot read ticket keys/)],
      [expect.stringMatching(/cannot read ticket keys/)],
    ]);
    expect(said()).toEqual([
      expect.stringMatching(/^error: the ticket keys stay as they are: cannot read ticket keys/),
    ]);
    writeFileSync(file, `${'0b'.repeat(48)}\n`);
    expect((await tls.refresh(NAMESERVERS)).result).toBe('replaced');
    expect([...tls.settings.ticketKey]).toEqual(Array(48).fill(11));
    expect([tls.problems, tls.mistakes.ticketKeys]).toEqual([[], []]);
  });

  it.each([
    ['certificates', { certificates: [{ cert: 'no.pem', key: 'no.key' }] }, /no\.pem: no such file/],
    ['ticket keys', { ticket_key_file: 'no.keys' }, /no\.keys: no such file/],
    ['the folder', { certs_folder: '/proc/self/fd/certs' }, /cannot write to the folder of certificates/],
  ])('refuses the start with strict: %s', async (_, tls, message) => {
    await expect(open(tls, { strict: true })).rejects.toThrow(message);
    const lenient = await open(tls);
    expect(lenient.certificates).toHaveLength(1);
  });
});

describe('a changed configuration', () => {
  it('is refused for the pairs that it newly names, and for no others', async () => {
    const one = put('one', await within(-DAY, 90 * DAY, 'one.test'));
    const tls = await open({ certificates: [one] });
    writeFileSync(join(folder.path, 'one.key'), 'spoiled');
    const change = (...certificates: readonly object[]) =>
      tls.prepare(configSchema.parse({ tls: { certificates } }).tls);
    const expired = put('expired', await within(-2 * DAY, -DAY));
    await expect(change(one, expired, { cert: 'no.pem', key: 'no.key' })).rejects.toThrow(
      /expired\.pem expired at .*\n.*no\.pem: no such file/,
    );
    const commit = await change(one, put('two', await within(-DAY, 90 * DAY, 'two.test')));
    expect(names(tls)).toEqual(['one.test']);
    expect(await commit()).toBe('replaced');
    expect([names(tls), tls.pairs]).toEqual([['one.test', 'two.test'], { served: 1, kept: 1, failed: 0, held: 0 }]);
  });
});
