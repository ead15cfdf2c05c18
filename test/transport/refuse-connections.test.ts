import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { refuseConnections } from '../../src/transport/refuse-connections.js';

const sockets: Socket[] = [];
let server: Server | undefined;
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

async function listen(address: string): Promise<{ fd: number; port: number }> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(0, address);
  await once(server, 'listening');
  const handle: unknown = Reflect.get(server, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  const bound = server.address();
  return { fd: Number(fd), port: typeof bound === 'object' && bound !== null ? bound.port : 0 };
}

function dial(port: number, host: string): Socket {
  const socket = connect({ port, host, autoSelectFamily: false });
  sockets.push(socket);
  socket.on('error', () => {});
  return socket;
}

describe('a socket that lets no new connection begin', () => {
  it.each(['127.0.0.1', '::1'])(
    'on %s goes on with those there are, and refuses the others when it is closed',
    async (address) => {
      const { fd, port } = await listen(address);
      const before = dial(port, address);
      await once(before, 'connect');
      expect(refuseConnections(fd)).toBe(true);
      const after = dial(port, address);
      const outcome = new Promise((resolve) => {
        after.once('connect', () => resolve('connected'));
        after.once('error', (error) => resolve('code' in error ? error.code : error));
      });
      before.write('still there');
      expect(String((await once(before, 'data'))[0])).toBe('still there');
      await wait(100);
      expect(after.connecting).toBe(true);
      server?.close();
      expect(await outcome).toBe('ECONNREFUSED');
    },
  );

  it('is none that is not open', () => {
    expect(refuseConnections(-1)).toBe(false);
    expect(refuseConnections(9_999)).toBe(false);
  });
});
