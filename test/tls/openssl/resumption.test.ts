import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certified, MemoryServer, only, settingsWith, VERSIONS, type Visit, visitNode } from './support.js';

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
      expect(second).toMatchObject({ back: 'hello', resumed: true });
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
    const ticket = session as Buffer;
    // The name of the key and what is sealed are somewhere in the session: every 13th octet of it is tried.
    let resumed = 0;
    for (let at = 0; at < ticket.length; at += 13) {
      const changed = Buffer.from(ticket);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      try {
        if ((await server.visit({ ...only(version), session: changed })).resumed) resumed++;
      } catch {
        // The client itself refuses it, or a server that has another secret than the client.
      }
    }
    expect(resumed).toBeLessThan(ticket.length / 13 / 2);
    expect((await server.visit({ ...only(version), session })).resumed).toBe(true);
    expect(server.engine.counts).toMatchObject({ open: 0, leftovers: 0, callbackMistakes: 0 });
  });
});
