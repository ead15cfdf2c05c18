import { afterEach, describe, expect, it } from 'vitest';
import { endAll, Host, imageOf, primary, serviceOf, settingsOf, zoneOf } from './service-host.js';

afterEach(endAll);

const ZONES = [zoneOf('a.', ['one']), zoneOf('b.', ['one'])];

const still = (): number => 0;

/** Time stands still: what happens does not wait for a back-off. */
describe('a primary whose settings have changed', () => {
  it('is tried at once where it could not be reached before, for all of its zones', async () => {
    const one = await primary();
    for (const name of ['a.', 'b.']) one.zones.set(name, [imageOf(name, 1)]);
    const host = new Host();
    const service = serviceOf(host, still);
    service.configure(settingsOf({ one: 1 }, ZONES));
    for (let i = 0; i < 6; i++) await service.transfer('a.', false);
    expect(service.status('b.')).toMatchObject({ failures: 1 });
    service.configure(settingsOf({ one }, ZONES));
    await host.until(() => host.versions.size === 2);
  });

  it('is tried at once where it kept silent, without waiting for its answer', async () => {
    const [silent, one] = [await primary(), await primary()];
    let isAsked = (): void => {};
    const asked = new Promise<void>((resolve) => (isAsked = resolve));
    silent.instead = () => {
      isAsked();
      return 'silence';
    };
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    let now = 0;
    const service = serviceOf(host, () => now);
    service.configure(settingsOf({ one: silent }, ZONES));
    await asked;
    service.configure(settingsOf({ one }, ZONES));
    await host.until(() => host.lines.length === 2);
    // The pause between two rounds.
    now = 0.5;
    service.configure(settingsOf({ one }, ZONES));
    await host.until(() => host.versions.size === 1);
    expect(host.lines.join('\n')).toContain('SOA from one: 127.0.0.1:');
  });

  it('is tried at once where its host name had no address, and another resolver is configured', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    let addresses: string[] = [];
    const service = serviceOf(host, still, async () => addresses);
    const settings = settingsOf({ one }, ZONES);
    const named = {
      ...settings,
      primaries: settings.primaries.map((each) => ({ ...each, addresses: ['primary.test'] })),
    };
    service.configure(named);
    expect((await service.transfer('a.', false))?.failures).toEqual(['SOA from one: the remote has no address']);
    addresses = ['127.0.0.1'];
    service.configure({ ...named, resolver: ['192.0.2.53'] });
    await host.until(() => host.versions.size === 1);
  });

  it('is tried at once where a limit refused what it sent', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1, ...Array.from({ length: 200 }, (_, i) => `h${i} 60 A 192.0.2.1`))]);
    const host = new Host();
    const service = serviceOf(host, still);
    service.configure(settingsOf({ one }, ZONES, { maxOctets: 3000 }));
    expect((await service.transfer('a.', false))?.failures[0]).toContain('transfer.max_octets');
    service.configure(settingsOf({ one }, ZONES));
    await host.until(() => host.versions.size === 1);
  });

  it('is not asked anything over connections of before, which end when they have nothing to do', async () => {
    const [one, two] = [await primary(), await primary()];
    for (const each of [one, two]) each.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host, still);
    service.configure(settingsOf({ one }, ZONES));
    await service.transfer('a.', false);
    const before = one.asked.length;
    service.configure(settingsOf({ one: two }, ZONES));
    expect(await service.transfer('a.', true)).toMatchObject({ isNew: true });
    expect([one.asked.length, two.count(252)]).toEqual([before, 1]);
  });

  it('is left alone when its settings are as before', async () => {
    const host = new Host();
    const service = serviceOf(host, still);
    service.configure(settingsOf({ one: 1 }, ZONES));
    await service.transfer('a.', false);
    const { refresh } = service.status('a.')!;
    service.configure(settingsOf({ one: 1 }, ZONES));
    expect(service.status('a.')).toMatchObject({ failures: 1, refresh });
  });
});
