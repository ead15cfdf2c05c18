/** A plain client to compare with: UDP, then TCP, without TLS and without memory. It shares no code with ours. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import type { ClientClock } from '../../src/client/client-clock.js';

interface PlainTimes {
  /** Milliseconds for each of three tries over UDP. */
  readonly udp: number;
  /** Milliseconds for an answer over TCP. */
  readonly tcp: number;
  readonly clock: ClientClock;
}

const TRIES = 3;
let lastId = 0;

/** The addresses of `name` in a server's whole answer; undefined if it gives none. */
export async function plainAddresses(
  address: string,
  port: number,
  name: string,
  times: PlainTimes,
): Promise<string[] | undefined> {
  lastId = (lastId + 1) & 0xffff;
  const id = lastId;
  const wire = encode({ type: 'query', id, questions: [{ type: 'A', name }] });
  const judge = (octets: Buffer): string[] | undefined => {
    const message = decoded(octets);
    const [question] = message?.questions ?? [];
    if (message === undefined || message.type !== 'response' || question?.name.toLowerCase() !== name) return undefined;
    if (message.rcode !== 'NOERROR' || message.flag_tc) return undefined;
    return message.answers?.map((record) => (record.type === 'A' ? record.data : record.type));
  };
  return (
    (await overUdp(address, port, id, wire, judge, times)) ?? (await overTcp(address, port, id, wire, judge, times))
  );
}

type Judge = (octets: Buffer) => string[] | undefined;

function decoded(octets: Buffer): (DecodedPacket & { readonly rcode?: string }) | undefined {
  try {
    return decode(octets);
  } catch {
    return undefined;
  }
}

function overUdp(address: string, port: number, id: number, wire: Buffer, judge: Judge, { clock, udp }: PlainTimes) {
  return new Promise<string[] | undefined>((resolve) => {
    const socket = createSocket('udp4');
    let tries = 0;
    let stop = (): void => {};
    const done = (result: string[] | undefined): void => {
      stop();
      socket.close();
      resolve(result);
    };
    const send = (): void => {
      if (tries++ < TRIES) {
        socket.send(wire, port, address);
        stop = clock.after(udp, send);
      } else done(undefined);
    };
    socket.on('message', (octets) => {
      if (octets.length < 12 || octets.readUInt16BE() !== id) return;
      const message = decoded(octets);
      const result = judge(octets);
      // A message that cannot be decoded may be anybody's and is ignored. After an answer that is not usable, TCP follows.
      if (result !== undefined) done(result);
      else if (message !== undefined && (message.rcode !== 'NOERROR' || message.flag_tc)) done(undefined);
    });
    send();
  });
}

/** Asks at most twice: again if the connection ends before the answer. */
async function overTcp(address: string, port: number, id: number, wire: Buffer, judge: Judge, times: PlainTimes) {
  for (let tries = 0; tries < 2; tries++) {
    const result = await overConnection(address, port, id, wire, judge, times);
    if (result !== 'ended') return result;
  }
  return undefined;
}

function overConnection(
  address: string,
  port: number,
  id: number,
  wire: Buffer,
  judge: Judge,
  { clock, tcp }: PlainTimes,
) {
  return new Promise<string[] | 'ended' | undefined>((resolve) => {
    const socket = connect(port, address);
    let octets = Buffer.alloc(0);
    const done = (result: string[] | 'ended' | undefined): void => {
      stop();
      socket.destroy();
      resolve(result);
    };
    const stop = clock.after(tcp, () => done(undefined));
    socket.on('error', () => done('ended'));
    socket.on('end', () => done('ended'));
    socket.on('data', (chunk) => {
      octets = Buffer.concat([octets, chunk]);
      while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE()) {
        const message = octets.subarray(2, 2 + octets.readUInt16BE());
        octets = octets.subarray(2 + message.length);
        if (message.length >= 2 && message.readUInt16BE() === id) return done(judge(message));
      }
    });
    socket.write(Buffer.concat([Buffer.from([wire.length >> 8, wire.length & 255]), wire]));
  });
}
