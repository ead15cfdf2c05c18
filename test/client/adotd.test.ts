import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../src/client/errors.js';
import { openSession, type ServerAddress, type Transport } from '../../src/client/session/connect.js';
import { exchange } from '../../src/client/session/exchange.js';
import { keepaliveOf } from '../../src/client/wire/edns.js';
import { textToType } from '../../src/client/wire/mnemonics.js';
import { type RunningServer, startServer } from '../../src/index.js';
import { PATIENCE } from '../support/patience.js';
import { make, temporaryFolder } from '../tls/support.js';

const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'starttls', 'tls'];

/** Our server with a certificate of an authority; the settings are keys of `starttls`. */
async function serve(folder: ReturnType<typeof temporaryFolder>, starttls: object = {}) {
  const authority = await make({ names: ['Test CA'], isIssuer: true });
  const made = await make({ names: ['ns1.test'], issuer: authority });
  const certificates = [{ cert: folder.put('ns1.pem', made.cert), key: folder.put('ns1.key', made.key) }];
  const server = await startServer({ folder: 'zones', config: { tls: { certificates }, starttls } });
  const at = (transport: Transport): ServerAddress => ({
    address: server.address,
    port: transport === 'tls' ? server.tls : server.udp,
  });
  return { server, at, ca: authority.cert };
}

const folder = temporaryFolder();
let server: RunningServer;
let at: (transport: Transport) => ServerAddress;
let ca: string;
beforeAll(async () => {
  ({ server, at, ca } = await serve(folder));
});
afterAll(async () => {
  await server.close();
  folder[Symbol.dispose]();
});

describe('our server, seen by the client', () => {
  it.each(TRANSPORTS)('answers over %s', async (transport) => {
    const query = { name: 'ns1.types.test', type: 1, edns: { nsid: true, padding: 128, keepalive: true } };
    const tls = { verification: { kind: 'ca', ca }, name: 'ns1.test' } as const;
    const done = await exchange(query, { transport, server: at(transport), tls });
    expect(done.message.answers).toMatchObject([{ name: 'ns1.types.test.', ttl: 300, data: '192.0.2.1' }]);
    const encrypted = transport === 'starttls' || transport === 'tls';
    expect(done).toMatchObject({ transport, encrypted });
    if (encrypted) expect(done.tls).toMatchObject({ version: 'TLSv1.3', alpn: 'dot', verified: 'ca' });
    expect(done.octets.length % 468 === 0).toBe(encrypted);
    expect(keepaliveOf(done.message.edns) !== undefined).toBe(transport !== 'udp');
    expect((done.message.edns?.flags ?? 0) & 0x4000).toBe(0);
  });

  it('serves every type in the presentation format of its zone file, alike on every transport', async () => {
    const lines = readFileSync('zones/types.test.zone', 'utf8').split('\n');
    const owners = new Set(lines.map((line) => /^([^\s;$()@]+)\s+IN\s/.exec(line)?.[1]).filter((o) => o !== undefined));
    const ask = async (transport: Transport) => {
      if (transport === 'udp') throw new Error('one session is opened');
      const { session } = await openSession({ transport, server: at(transport) });
      const texts: string[] = [];
      for (const owner of owners) {
        const line = lines.find((one) => one.startsWith(`${owner} `)) ?? '';
        const type = textToType(/\sIN\s+(\S+)/.exec(line)?.[1] ?? '') ?? 0;
        const { message } = await session.ask({ name: `${owner}.types.test`, type }, { timeoutMs: PATIENCE });
        for (const record of message.answers) texts.push(`${record.name} ${record.type} ${record.data}`);
      }
      await session.close();
      return texts;
    };
    const plain = await ask('tcp');
    expect(owners.size).toBeGreaterThan(75);
    expect(plain.length).toBeGreaterThanOrEqual(owners.size);
    expect(plain).toContain('txt.types.test. 16 "first" "second" "with \\"quotes\\", \\\\ and \\200" ""');
    expect(plain).toContain('loc.types.test. 29 52 22 23.000 N 4 53 32.000 E -2.00m 0m 10000m 10m');
    expect(plain).toContain('type65280.types.test. 65280 \\# 3 0A0B0C');
    expect(plain).toContain('generic.types.test. 1 192.0.2.1');
    expect(await ask('starttls')).toEqual(plain);
    expect(await ask('tls')).toEqual(plain);
  });

  it('resumes sessions, over STARTTLS and TLS and from one to the other', async () => {
    const query = { name: 'ns1.types.test', type: 1 };
    for (const [before, after] of [
      ['tls', 'tls'],
      ['starttls', 'starttls'],
      ['tls', 'starttls'],
    ] as const) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const first = await exchange(query, { transport: before, server: at(before), tls: { maxVersion } });
        const tls = { maxVersion, ...(first.ticket && { ticket: first.ticket }) };
        const second = await exchange(query, { transport: after, server: at(after), tls });
        const next = { maxVersion, ...(second.ticket && { ticket: second.ticket }) };
        const third = await exchange(query, { transport: after, server: at(after), tls: next });
        const resumed = [first, second, third].map(({ tls }) => tls?.resumed);
        expect(resumed, `${before} ${after} ${maxVersion}`).toEqual([false, true, true]);
      }
    }
  });

  it('can be asked the first question in plaintext and the next ones inside TLS', async () => {
    const query = { name: 'ns1.types.test', type: 1, edns: { dnssec: true } };
    const { session, upgrade, tls } = await openSession({
      transport: 'starttls',
      server: at('starttls'),
      upgrade: { first: query },
    });
    expect(upgrade?.reply.message.answers).toMatchObject([{ data: '192.0.2.1' }]);
    expect(tls?.version).toBe('TLSv1.3');
    const dummy = { name: 'STARTTLS', type: 16, class: 3, edns: {} };
    const inside = await session.ask(dummy, { timeoutMs: PATIENCE, ednsFlags: 0x4000 });
    expect(inside.message.answers).toMatchObject([{ data: '"NO_TLS"', ttl: 0 }]);
    expect(inside.message.edns?.flags).toBe(0);
    await session.close();
  });

  it('offers no upgrade where that is off, nor for other than the dummy query where only that will do', async () => {
    using files = temporaryFolder();
    const query = { name: 'ns1.types.test', type: 1 };
    const off = await serve(files, { upgrade: 'off' });
    const dummy = await serve(files, { upgrade: 'dummy' });
    try {
      const upgrade = { withoutOffer: 'plaintext' } as const;
      const options = { transport: 'starttls', server: off.at('starttls') } as const;
      await expect(exchange(query, options)).rejects.toMatchObject({ code: ClientErrorCode.NO_UPGRADE });
      expect(await exchange(query, { ...options, upgrade })).toMatchObject({ encrypted: false });
      const other = { transport: 'starttls', server: dummy.at('starttls') } as const;
      await expect(exchange(query, { ...other, upgrade: { first: 'query' } })).rejects.toMatchObject({
        code: ClientErrorCode.NO_UPGRADE,
      });
      expect(await exchange(query, other)).toMatchObject({ encrypted: true });
    } finally {
      await off.server.close();
      await dummy.server.close();
    }
  });
});
