import { afterEach, describe, expect, it } from 'vitest';
import { imageText } from '../../../src/image/text.js';
import { messageOf } from '../../transfer/in/transfer-messages.js';
import { endAll, Host, imageOf, LIMITS, primary, serviceOf, settingsOf, zoneOf } from './service-host.js';

afterEach(endAll);

describe('a secondary', () => {
  it('transfers its zones, then only what has changed', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    one.zones.set('b.', [imageOf('b.', 5)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one']), zoneOf('b.', ['one'])]));
    await host.until(() => host.versions.size === 2);
    one.zones.get('a.')!.push(imageOf('a.', 2, 'www 60 A 192.0.2.9'));
    const result = await service.transfer('a.', false);
    expect(result).toEqual({ isConfirmed: true, isNew: true, serial: 2, failures: [] });
    expect(host.versions.get('a.')!.at(-1)).toMatchObject({
      serial: 2,
      origin: 'one',
      differences: [{ from: 1, to: 2 }],
    });
    expect(host.text('a.')).toContain('192.0.2.9');
    expect(service.counts).toMatchObject({ axfr: 2, ixfr: 1, failedTransfers: 0, failedChecks: 0 });
    expect(host.lines.at(-1)).toMatch(
      /^info: zone a\. transferred from one, IXFR from serial 1 to 2: 1 message, 5 records, \d+ octets, \d+ ms$/,
    );
    expect(service.status('a.')).toMatchObject({
      serial: 2,
      origin: 'one',
      expired: false,
      failures: 0,
      error: undefined,
    });
  });

  it('confirms a version without a transfer when nothing has changed', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: true, isNew: false, serial: 1 });
    expect(host.confirmed).toEqual(['a.']);
    expect(await service.transfer('a.', true)).toMatchObject({ isConfirmed: true, isNew: true });
    expect(service.counts.axfr).toBe(2);
  });

  it('transfers the whole zone when differences do not fit, from the same primary', async () => {
    const one = await primary();
    const versions = [imageOf('a.', 1), imageOf('a.', 2, 'www 60 A 192.0.2.9')];
    one.zones.set('a.', versions.slice(0, 1));
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    // Another serial 1 than the one that was transferred.
    one.zones.set('a.', [imageOf('a.', 1, 'gone 60 A 192.0.2.3'), versions[1]!]);
    expect(await service.transfer('a.', false)).toMatchObject({ isNew: true, serial: 2 });
    expect([one.count(251), one.count(252)]).toEqual([1, 2]);
    expect(host.versions.get('a.')!.at(-1)).toMatchObject({ form: 'version', differences: undefined });
    expect(host.text('a.')).toBe([...imageText(versions[1]!)].join(''));
    expect(host.lines.join('\n')).toContain('warn: zone a.: IXFR from one: a change has the record gone.a. A');
  });

  it('goes on to the next primary, and says why', async () => {
    const [two, refusing] = [await primary(), await primary()];
    two.zones.set('a.', [imageOf('a.', 7)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ gone: 1, refusing, two }, [zoneOf('a.', ['gone', 'refusing', 'two'])]));
    const result = await service.transfer('a.', false);
    expect(result).toMatchObject({ isConfirmed: true, serial: 7 });
    expect(result?.failures).toEqual([
      'SOA from gone: 127.0.0.1:1: connection refused',
      `SOA from refusing: 127.0.0.1:${refusing.port}: answered REFUSED`,
    ]);
    expect(host.versions.get('a.')![0]!.origin).toBe('two');
  });

  it('takes the zone as it was when no primary can be used', async () => {
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ gone: 1 }, [zoneOf('a.', ['gone'])]));
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: false, serial: undefined });
    expect(service.status('a.')).toMatchObject({
      failures: 1,
      error: 'SOA from gone: 127.0.0.1:1: connection refused',
    });
    expect(host.lines).toEqual([
      'warn: zone a.: no primary could be used (1 in a row), it has never been transferred: SOA from gone: 127.0.0.1:1: connection refused',
    ]);
  });

  it.each([
    ['is cut', true],
    ['ends with another zone', false],
  ])('keeps its version when a transfer %s', async (_, isCut) => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    one.zones.get('a.')!.push(imageOf('a.', 2));
    one.perMessage = 2;
    one.instead = (asked) => {
      if (asked.type === 6) return undefined;
      const messages = one.answer(asked);
      const wrong = messageOf([], { id: asked.id });
      return isCut ? { messages: messages.slice(0, -1), close: true } : { messages: [...messages.slice(0, -1), wrong] };
    };
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: false, serial: 1 });
    expect(host.versions.get('a.')).toHaveLength(1);
    one.instead = undefined;
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: true, serial: 2 });
  });

  it('tries again without EDNS when a primary does not know it (RFC 6891 §7)', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    one.instead = ({ id, message }) =>
      message[11] === 1 ? { messages: [messageOf([], { id, flags: 0x8001 })] } : undefined;
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    expect(one.asked.map(({ message }) => message[11])).toEqual([1, 0, 0]);
  });

  it('asks again when a primary has closed a connection that was kept open', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    let isClosed = false;
    one.instead = () => {
      if (isClosed) return undefined;
      isClosed = true;
      return { messages: [], close: true };
    };
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: true, failures: [] });
  });

  it('gives a primary up that sends nothing', async () => {
    const one = await primary();
    one.instead = () => 'silence';
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])], { idleTimeout: 1 }));
    expect((await service.transfer('a.', false))?.failures[0]).toContain('no message came for 1 s');
  });

  it('takes no more than the limit', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1, ...Array.from({ length: 200 }, (_, i) => `h${i} 60 A 192.0.2.1`))]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])], { maxOctets: 3000 }));
    const result = await service.transfer('a.', false);
    expect(result?.failures[0]).toContain('found more than 3000 octets, the limit (transfer.max_octets)');
  });

  it('keeps its version, and tries again, when a new one cannot be stored', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    host.adopting = () => Promise.reject(new Error('no space left on device'));
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    const result = await service.transfer('a.', false);
    expect(result).toMatchObject({ isConfirmed: false, serial: undefined });
    expect(result?.failures).toEqual(['AXFR from one: it cannot be stored: no space left on device']);
    host.adopting = undefined;
    expect(await service.transfer('a.', false)).toMatchObject({ isConfirmed: true, serial: 1 });
  });

  it('asks for many zones over few connections', async () => {
    const one = await primary();
    const names = Array.from({ length: 300 }, (_, i) => `z${i}.`);
    for (const name of names) one.zones.set(name, [imageOf(name, 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(
      settingsOf(
        { one },
        names.map((name) => zoneOf(name, ['one'])),
      ),
    );
    await host.until(() => host.versions.size === names.length);
    expect(one.mostConnections).toBeLessThanOrEqual(LIMITS.maxPerPeer);
    expect(one.connections).toBeLessThanOrEqual(LIMITS.maxPerPeer);
  });

  it('has a thousand NOTIFYs make one check or two', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    const before = one.count(6);
    one.zones.get('a.')!.push(imageOf('a.', 2));
    for (let i = 0; i < 1000; i++) service.notify('a.', 'one', undefined);
    await host.until(() => host.versions.get('a.')!.length === 2);
    expect(one.count(6) - before).toBeLessThanOrEqual(2);
  });

  it('serves a stored version no longer than it may, and again when a primary confirms it', async () => {
    const one = await primary();
    const wall = Math.floor(Date.now() / 1000);
    const facts = {
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 60,
      origin: 'one',
      checkedAt: wall - 100,
      expiresAt: wall - 40,
    };
    one.instead = () => 'silence';
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'], facts)], { idleTimeout: 1 }));
    await host.until(() => host.expired.length === 1);
    expect(host.lines[0]).toMatch(
      /^error: zone a\. has expired: no primary confirmed serial 1 for 10\d s; it is answered with SERVFAIL/,
    );
    expect(service.status('a.')).toMatchObject({ expired: true, serial: 1 });
    one.instead = undefined;
    await service.transfer('a.', false);
    await service.transfer('a.', false);
    expect(service.status('a.')).toMatchObject({ expired: false, serial: 1 });
    expect(host.renewed).toEqual(['a.']);
  });

  it('stops with zones that are gone', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1)]);
    const host = new Host();
    const service = serviceOf(host);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])]));
    await host.until(() => host.versions.size === 1);
    service.configure(settingsOf({ one }, []));
    expect(service.status('a.')).toBeUndefined();
    expect(await service.transfer('a.', false)).toBeUndefined();
  });
});
