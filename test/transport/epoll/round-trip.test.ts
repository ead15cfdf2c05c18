import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { roundTripOf } from '../../../src/transport/epoll/round-trip.js';
import { libc } from '../../../src/transport/libc.js';

it('is what the kernel has measured of a connection; 0 for what is none', async () => {
  const system = libc();
  if (typeof system === 'string') throw new Error(system);
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('x');
  await once(socket, 'data');
  // The descriptor of a socket has no public name.
  const { _handle: handle } = socket as Socket & { readonly _handle: { readonly fd: number } };
  const roundTrip = roundTripOf(system, handle.fd);
  // On loopback; with a delayed acknowledgement of 40 ms, perhaps of 200.
  expect(roundTrip).toBeGreaterThan(0);
  expect(roundTrip).toBeLessThan(60_000);
  socket.destroy();
  server.close();
  expect(roundTripOf(system, 0)).toBe(0);
  expect(roundTripOf(system, 99_999)).toBe(0);
});
