/** A server on loopback, on UDP, TCP with STARTTLS, and TLS, that behaves as a test of the probe tells it. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type TlsOptions } from 'node:tls';
import type { Transport } from '../../../src/client/session/connect.js';
import { freePort } from '../../support/peers/server.js';
import { answer, framed, onMessages, questionOf, TO } from '../support.js';

export interface Behaviour {
  /** The answer to a query; undefined: none. Default: a TXT record. `nth` counts the queries over the transport, from 0. */
  readonly respond?: (query: Buffer, transport: Transport, nth: number) => Buffer | undefined;
  /** The answer to the dummy query without an offer, as `respond`. Default: NO_TLS. */
  readonly dummy?: Behaviour['respond'];
  /** Milliseconds by which an answer over TLS is delayed. */
  readonly delay?: (nth: number) => number;
  /** Whether TO is set in the answer to this first query over TCP. Default: never. */
  readonly offers?: (isDummy: boolean) => boolean;
  /** Called in place of the handshake after the offer. */
  readonly instead?: (socket: Socket) => void;
  /** Called with the stream of a connection after its first answer. */
  readonly after?: (stream: Socket | TLSSocket, raw: Socket) => void;
  /** Certificate, key and the like. Without it nothing listens for TLS. */
  readonly tls?: TlsOptions;
}

interface ProbedServer extends AsyncDisposable {
  readonly server: string;
  readonly port: number;
  readonly tlsPort: number;
  /** Messages that came, by transport. */
  readonly counts: Readonly<Record<Transport, number>>;
}

const HOST = '127.0.0.1';
const isDummy = (query: Buffer): boolean => questionOf(query).toString('latin1').includes('STARTTLS');

export async function probedServer(behaviour: Behaviour = {}): Promise<ProbedServer> {
  const { respond = (query) => answer(query, { text: 'hello', ednsFlags: 0 }) } = behaviour;
  const counts = { udp: 0, tcp: 0, starttls: 0, tls: 0 };
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const converse = (stream: Socket, transport: Transport, raw: Socket): void => {
    onMessages(stream, (query) => {
      const nth = counts[transport]++;
      const message = respond(query, transport, nth);
      if (message === undefined) return;
      const write = (): void => void stream.write(framed(message), () => behaviour.after?.(stream, raw));
      const delay = behaviour.delay?.(nth) ?? 0;
      if (delay > 0) setTimeout(write, delay);
      else write();
    });
  };
  const secured = (raw: Socket): TLSSocket => {
    const { requestCert: _, ...rest } = behaviour.tls ?? {};
    const secure = new TLSSocket(raw, {
      isServer: true,
      secureContext: createSecureContext(rest),
      ALPNProtocols: ['dot'],
    });
    track(secure);
    return secure;
  };
  const overTcp = (raw: Socket): void => {
    track(raw);
    let first = true;
    onMessages(raw, (query) => {
      const to = first && hasTo(query);
      const dummy = isDummy(query);
      if (to && behaviour.offers?.(dummy)) {
        first = false;
        raw.removeAllListeners('data');
        raw.write(framed(answer(query, { text: 'STARTTLS', ednsFlags: TO })));
        if (behaviour.instead) return behaviour.instead(raw);
        converse(secured(raw), 'starttls', raw);
        return;
      }
      first = false;
      const message =
        dummy && behaviour.dummy === undefined
          ? answer(query, { text: 'NO_TLS', ednsFlags: 0 })
          : (dummy ? (behaviour.dummy ?? respond) : respond)(query, 'tcp', to ? -1 : counts.tcp++);
      if (message !== undefined) raw.write(framed(message), () => to || behaviour.after?.(raw, raw));
    });
  };
  const overTls = (raw: Socket): void => {
    track(raw);
    converse(secured(raw), 'tls', raw);
  };
  const servers = [createServer({ noDelay: true }, overTcp), createServer({ noDelay: true }, overTls)] as const;
  for (const server of servers) {
    // The port must be free for UDP too, which has the first port.
    server.listen(await freePort(), HOST);
    await once(server, 'listening');
  }
  const [port = 0, tlsPort = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  const [, tlsServer] = servers;
  if (behaviour.tls === undefined) tlsServer.close();
  const udp = createSocket('udp4');
  udp.on('message', (query, from) => {
    const message = respond(query, 'udp', counts.udp++);
    if (message !== undefined) udp.send(message, from.port, from.address);
  });
  udp.bind(port, HOST);
  await once(udp, 'listening');
  return {
    server: HOST,
    port,
    tlsPort,
    counts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      udp.close();
      await Promise.all(
        servers.map(async (server) => {
          if (!server.listening) return;
          server.close();
          await once(server, 'close');
        }),
      );
    },
  };
}

/** Whether TO is set in the OPT record, which must be the last record of the query. */
function hasTo(query: Buffer): boolean {
  const opt = query.subarray(12 + questionOf(query).length);
  return query.readUInt16BE(10) === 1 && (opt.readUInt16BE(7) & TO) !== 0;
}
