import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { timedServer } from '../../../src/server/process/timed-http.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server whose requests have `requestTime` milliseconds; returns a function that connects, and sends a text. */
async function serve(requestTime: number, answer: RequestListener) {
  const server = timedServer({ maxHeaderSize: 8192, requestTime }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  ends.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    server,
    dial(text: string): Socket {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      ends.push(() => socket.destroy());
      socket.write(text);
      return socket;
    },
  };
}

/** All that comes until the connection is closed. */
async function all(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  socket.end();
  return Buffer.concat(chunks).toString('latin1');
}

/** A timer of node, as its hooks show it. */
interface Timer {
  readonly _idleTimeout: number;
  readonly _repeat: number | null;
  readonly _destroyed?: boolean;
}

const SMALL: RequestListener = (_, response) => response.end('ok');
const BODY = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n';

describe('an HTTP server with a time for requests', () => {
  it.each([
    ['nothing', ''],
    ['half of a header', 'GET / HTTP/1.1\r\nHo'],
  ])('cuts off a client that sends %s', async (_, text) => {
    const { dial } = await serve(50, SMALL);
    expect(await all(dial(text))).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n\r\n$/);
  });

  it('cuts off a client that sends octet by octet', async () => {
    const { dial } = await serve(100, SMALL);
    const socket = dial('GET /');
    const drip = setInterval(() => socket.write('x'), 5);
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
  });

  it('cuts off a client whose body does not come', async () => {
    const { dial } = await serve(50, (request, response) => request.resume().on('end', () => response.end('ok')));
    expect(await all(dial(`${BODY}12345`))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('cuts off the second request of a connection, and one behind another, when half of it comes', async () => {
    const { dial, server } = await serve(50, SMALL);
    server.keepAliveTimeout = 100;
    const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
    for (const text of [`${request}GET / HT`, `${request}${request}GET /`]) {
      const socket = dial(text);
      const drip = setInterval(() => socket.write('x'), 5);
      const came = await all(socket);
      clearInterval(drip);
      expect(came.match(/HTTP\/1\.1 200 /g)).toHaveLength(text.split(request).length - 1);
    }
  });

  it('lets a response take longer than its request may', async () => {
    const { dial } = await serve(50, (request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end('late'), 200));
    });
    const socket = dial(`${BODY.replace('Host: x', 'Host: x\r\nConnection: close')}1234567890`);
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 .*late/s);
  });

  it('has no timer that wakes it while there is no connection', async () => {
    const timers = new Map<number, Timer>();
    const hook = createHook({
      init: (id, type, _, resource) => {
        if (type === 'Timeout') timers.set(id, resource as Timer);
      },
      destroy: (id) => void timers.delete(id),
    }).enable();
    const { dial } = await serve(5000, SMALL);
    const socket = dial('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 /);
    hook.disable();
    const running = [...timers.values()].filter((timer) => timer._destroyed !== true && timer._idleTimeout > 0);
    const repeated = running.filter((timer) => timer._repeat !== null).map((timer) => timer._idleTimeout);
    expect(repeated.filter((milliseconds) => milliseconds < 2 ** 31 - 1)).toEqual([]);
    // The others would be those of a connection.
    expect(running.filter((timer) => timer._repeat === null && timer._idleTimeout > 1000)).toEqual([]);
  });
});
