import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certified, MemoryServer, only, settingsWith, VERSIONS, type Visit, visitNode } from './support.js';

/** Where the ticket in a session is: an OCTET STRING of at least 128 octets, which begins with the name of the key. */
function ticketIn(session: Buffer, key: Uint8Array): { readonly at: number; readonly length: number } {
  const at = session.indexOf(key.subarray(0, 16));
  return { at, length: session.readUInt8(at - 2) === 0x81 ? session.readUInt8(at - 1) : session.readUInt16BE(at - 2) };
}

/** The name of the context in the ticket of a session: field 4 of what is sealed. */
function contextIn(session: Buffer | undefined, key: Uint8Array): string {
  if (session === undefined) throw new Error('there is no session');
  const { at, length } = ticketIn(session, key);
  const [iv, sealed] = [session.subarray(at + 16, at + 32), session.subarray(at + 32, at + length - 32)];
  const cipher = createDecipheriv('aes-128-cbc', key.subarray(32), iv);
  const plain = Buffer.concat([cipher.update(sealed), cipher.final()]).toString('latin1');
  return plain.includes('\xa4\x05\x04\x03dot') ? 'dot' : 'another';
}

describe.each(VERSIONS)('a session with %s', (version) => {
  const settings = settingsWith({ certificates: [certified('P-256', 'one.test'), certified('P-256', 'two.test')] });
  const paths = {
    engine: async (options: object) => {
      using server = new MemoryServer(settings);
      return await server.visit({ ...only(version), ...options });
    },
    node: (options: object) => visitNode(settings, { ...only(version), ...options }),
  };
  const ways = Object.keys(paths).flatMap((from) => Object.keys(paths).map((to) => [from, to] as const));

  it.each(ways)('of the path %s resumes on the path %s', async (from, to) => {
    const visit = (path: string, options: object): Promise<Visit> => paths[path as keyof typeof paths](options);
    for (const servername of ['', 'one.test', 'two.test']) {
      const first = await visit(from, { servername });
      expect(first.resumed).toBe(false);
      const second = await visit(to, { servername, session: first.session });
      // Later versions of node put a hash into a ticket in place of the name of the context, and take no other.
      const there = await visit(to, { servername });
      const alike = contextIn(first.session, settings.ticketKey) === contextIn(there.session, settings.ticketKey);
      expect(second).toMatchObject({ back: 'hello', resumed: alike });
      if (from === to || process.versions.openssl?.startsWith('3.0')) expect(alike).toBe(true);
    }
  });

  it('is told as resumed by the server too', async () => {
    using server = new MemoryServer(settings);
    const first = await server.visit(only(version));
    expect(first.served?.resumed).toBe(false);
    expect((await server.visit({ ...only(version), session: first.session })).served?.resumed).toBe(true);
  });

  it('resumes in another engine with the same key, and not with another key', async () => {
    using one = new MemoryServer(settings);
    using other = new MemoryServer({ ...settingsWith(), ticketKey: settings.ticketKey });
    using stranger = new MemoryServer({ ...settings, ticketKey: randomBytes(48) });
    const { session } = await one.visit(only(version));
    expect((await stranger.visit({ ...only(version), session })).resumed).toBe(false);
    expect((await other.visit({ ...only(version), session })).resumed).toBe(true);
  });

  it('resumes by a ticket of the previous key, and gets a ticket of the current one', async () => {
    using server = new MemoryServer(settings);
    const first = await server.visit(only(version));
    const current = randomBytes(48);
    server.engine.replace({ ticketKey: current, previousTicketKey: settings.ticketKey });
    const second = await server.visit({ ...only(version), session: first.session });
    expect(second.resumed).toBe(true);
    server.engine.replace({ ticketKey: current, previousTicketKey: undefined });
    expect((await server.visit({ ...only(version), session: first.session })).resumed).toBe(false);
    expect((await server.visit({ ...only(version), session: second.session })).resumed).toBe(true);
  });

  it('goes on over many rotations, each by the ticket of the connection before', async () => {
    using server = new MemoryServer(settings);
    let keys = [settings.ticketKey, settings.ticketKey];
    let { session } = await server.visit(only(version));
    for (let i = 0; i < 20; i++) {
      keys = [randomBytes(48), keys[0] as Buffer];
      server.engine.replace({ ticketKey: keys[0] as Buffer, previousTicketKey: keys[1] });
      for (let again = 0; again < 2; again++) {
        const seen = await server.visit({ ...only(version), session });
        expect(seen.resumed).toBe(true);
        session = seen.session;
      }
    }
  });

  it('does not resume by a ticket that was changed, and is served all the same', async () => {
    using server = new MemoryServer(settings);
    const { session } = await server.visit(only(version));
    const whole = session as Buffer;
    const { at: ticketAt, length } = ticketIn(whole, settings.ticketKey);
    expect(length).toBeGreaterThan(16 + 16 + 32);
    for (let at = ticketAt; at < ticketAt + length; at += 5) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
      expect(await server.visit({ ...only(version), session: changed })).toMatchObject({
        resumed: false,
        back: 'hello',
      });
    }
    expect((await server.visit({ ...only(version), session })).resumed).toBe(true);
    expect(server.engine.counts).toMatchObject({ open: 0, leftovers: 0, callbackMistakes: 0 });
  });
});
