import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { framed, message } from '../support/responder.js';
import { all, ask, ids, only, relay, tlsWorld, upTo, VERSIONS } from './tls.js';

const { listen, dial, dialTcp, close } = tlsWorld();
afterEach(close);

describe.each(VERSIONS)('a FIN that is withheld, %s', (version) => {
  const idle = { idleTime: 200, idleTimeMin: 200 };

  it('comes after that of the client, behind close_notify', async () => {
    const { port, shared } = await listen({ withholdFin: 20_000, settings: { ...idle, drainTime: 20_000 } });
    const raw = await dialTcp(port);
    let ended = false;
    raw.once('end', () => {
      ended = true;
    });
    const socket = await dial(port, { ...only(version), socket: raw, allowHalfOpen: true });
    await ask(socket);
    await once(socket.resume(), 'end');
    await wait(100);
    expect([ended, shared.sessions.size]).toEqual([false, 1]);
    raw.end();
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('comes without that of the client when patience ends', async () => {
    const { port, shared } = await listen({ withholdFin: 200, settings: { ...idle, drainTime: 2_000 } });
    await using between = await relay(port);
    const socket = await dial(between.port, { ...only(version), allowHalfOpen: true });
    await ask(socket);
    await once(socket.resume(), 'end');
    expect(between.ends).toBe(0);
    await expect.poll(() => between.ends).toBe(1);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('changes nothing else', async () => {
    const { port, shared } = await listen({ withholdFin: 500 });
    const socket = await dial(port, { ...only(version), allowHalfOpen: true });
    const queries = framed(...upTo(300).map((id) => message(id, 250, 100)));
    const answers = all(socket);
    socket.end(queries);
    expect(ids(await answers)).toEqual(upTo(300));
    await expect.poll(() => shared.sessions.size).toBe(0);
  });
});
