import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../../src/config/schema.js';
import { bindBesideHanded, type PlaneSockets } from '../../../src/server/plane/plane-sockets.js';
import { closeSocket, openUdpSocket, startListening } from '../../../src/transport/sockets.js';
import { freePort } from '../../support/peers/server.js';

const HOST = '127.0.0.1';
const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeSocket(fd);
});

const configOf = (...ports: readonly number[]): Config =>
  configSchema.parse({ transfer: { listen: ports.map((port) => ({ address: HOST, port, client_ca: 'ca.pem' })) } });

/** Binds as a server does that got a socket for UDP. */
function bindBeside(config: Config, workers: number): PlaneSockets {
  const handed = openUdpSocket({ address: HOST, port: 0 }, { reusePort: false, receiveBuffer: 0, sendBuffer: 0 });
  open.push(handed.fd);
  const sockets = bindBesideHanded({ udp: [handed], tcp: [], tls: [] }, config, workers);
  open.push(...sockets.transfers.flat().map(({ fd }) => fd));
  return sockets;
}

describe('a server whose sockets were handed over', () => {
  it.each([1, 2])('binds transfer.listen all the same, with %i workers', async (workers) => {
    const ports = [await freePort(), await freePort()];
    const sockets = bindBeside(configOf(...ports), workers);
    expect(sockets.udp).toMatchObject([[{ shared: true }]]);
    expect(sockets.transfers.map((all) => all.map(({ endpoint }) => endpoint.port))).toEqual(
      ports.map((port) => Array.from({ length: workers }, () => port)),
    );
    // Nobody gets in before the authorities of clients are known.
    for (const port of ports) {
      const refused = connect(port, HOST);
      expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
    }
    for (const socket of sockets.transfers.flat()) startListening(socket, 'tls');
    for (const port of ports) {
      const client = connect(port, HOST);
      await once(client, 'connect');
      client.destroy();
    }
  });

  it('has nothing bound when one of them cannot be', async () => {
    const holder = createServer().listen(0, HOST);
    await once(holder, 'listening');
    try {
      const free = await freePort();
      const config = configOf(free, (holder.address() as AddressInfo).port);
      expect(() => bindBeside(config, 2)).toThrow(expect.objectContaining({ code: 'ADOTD_LISTEN' }));
      const again = createServer().listen(free, HOST);
      await once(again, 'listening');
      again.close();
    } finally {
      holder.close();
    }
  });
});
