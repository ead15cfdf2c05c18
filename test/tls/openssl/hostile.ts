/**
 * Clients that mean harm, by the thousand and from a seed: ClientHellos and records that are changed, cut and repeated, connections that end in
 * every state, certificates and keys that change meanwhile. Whatever they do, the engine loses nothing.
 */
import type { TlsSettings } from '../../../src/tls/tls-context.js';
import { RawClient, RawClients } from './raw-client.js';
import { type Connection, certified, type MemoryServer, settingsWith } from './support.js';

/** Numbers below `limit`, the same ones for each seed (mulberry32). */
export function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

type Random = (limit: number) => number;

/** A copy with some octets changed, removed, repeated or put in. */
function mutated(octets: Buffer, random: Random): Buffer {
  let found = Buffer.from(octets);
  for (let count = 1 + random(3); count > 0 && found.length > 0; count--) {
    const at = random(found.length);
    const length = 1 + random(Math.min(40, found.length - at));
    switch (random(6)) {
      case 0:
        found.writeUInt8(random(256), at);
        break;
      case 1:
        found.writeUInt8(found.readUInt8(at) ^ (1 << random(8)), at);
        break;
      case 2:
        found = Buffer.concat([found.subarray(0, at), found.subarray(at + length)]);
        break;
      case 3:
        found = Buffer.concat([found.subarray(0, at + length), found.subarray(at)]);
        break;
      case 4:
        found = Buffer.concat([found.subarray(0, at), Buffer.alloc(length, random(256)), found.subarray(at)]);
        break;
      default:
        found = found.subarray(0, at);
    }
  }
  return found;
}

/** Gives octets in pieces. */
function receive(connection: Connection, octets: Buffer, random: Random): void {
  const piece = random(3) === 0 ? 1 + random(200) : 32_768;
  for (let at = 0; at < octets.length; at += piece) connection.receive(octets.subarray(at, at + piece));
}

interface World {
  readonly server: MemoryServer;
  readonly random: Random;
  readonly clients: readonly RawClients[];
  /** ClientHellos of each client. */
  readonly hellos: readonly Buffer[];
  /** What the last connections got. */
  readonly sent: Map<Connection, Buffer[]>;
}

/** Opens a connection, and does harm to it. */
function attack(world: World): Connection {
  const { server, random, clients, hellos, sent } = world;
  const outgoing: Buffer[] = [];
  const connection = server.open((octets) => outgoing.push(octets));
  sent.set(connection, outgoing);
  const kind = random(20);
  if (kind < 2) receive(connection, Buffer.from(Array.from({ length: random(400) }, () => random(256))), random);
  else if (kind < 14) receive(connection, mutated(hellos[random(hellos.length)] as Buffer, random), random);
  else talk(world, connection, outgoing, new RawClient(clients[random(clients.length)] as RawClients), kind < 17);
  return connection;
}

/** A handshake that ends anywhere, or is completed; then records, changed ones among them. */
function talk({ random }: World, connection: Connection, outgoing: Buffer[], client: RawClient, early: boolean): void {
  const exchange = (change: boolean): void => {
    const octets = client.take();
    receive(connection, change ? mutated(octets, random) : octets, random);
    for (const one of outgoing.splice(0)) client.give(change && random(2) === 0 ? mutated(one, random) : one);
  };
  for (let step = 0; step < 6 && !client.handshake(); step++) {
    if (early && random(4) === 0) break;
    exchange(early && random(3) === 0);
  }
  for (let count = random(5); count > 0; count--) {
    switch (random(8)) {
      case 0:
        client.updateKey(random(2) === 0);
        break;
      case 1:
        client.renegotiate();
        break;
      case 2:
        client.close();
        break;
      case 3:
        client.write(Buffer.alloc(65_537, random(256)));
        break;
      default:
        client.write(Buffer.alloc(1 + random(600), random(256)));
    }
    exchange(random(3) === 0);
    client.read();
  }
  client[Symbol.dispose]();
}

/** What the server does with plaintext: it answers, pauses, closes, or writes more than was asked. */
function misbehave(server: MemoryServer, random: Random): void {
  server.answer = (octets, served) => {
    const what = random(12);
    if (what === 0) served.pause();
    else if (what === 1) served.closeNotify();
    else if (what === 2) served.write(Buffer.alloc(65_537, 1));
    else served.write(octets);
  };
}

/** Connections that may be open at once. */
const OPEN = 40;

/**
 * Runs `count` hostile connections against the server. Every 256th, `between` runs: nothing of it is to be disturbed.
 */
export async function assault(
  server: MemoryServer,
  seed: number,
  count: number,
  between: (settings: TlsSettings) => Promise<void>,
): Promise<Record<string, number>> {
  const random = randomFrom(seed);
  const clients = [new RawClients('TLSv1.2'), new RawClients('TLSv1.3')];
  const hellos = clients.flatMap((one) =>
    [undefined, 'ns.test', 'other.test'].map((name) => {
      using client = new RawClient(one, name);
      client.handshake();
      return client.take();
    }),
  );
  const world: World = { server, random, clients, hellos, sent: new Map() };
  const events: Record<string, number> = {};
  const open: Connection[] = [];
  const end = (connection: Connection): void => {
    for (const event of connection.events) {
      const name = typeof event === 'number' ? 'plaintext' : event;
      events[name] = (events[name] ?? 0) + 1;
    }
    world.sent.delete(connection);
    connection.free();
  };
  const sets = ['ns.test', 'other.test'].map((name) => [certified('P-256', name), certified('P-256', 'third.test')]);
  misbehave(server, random);
  for (let i = 0; i < count; i++) {
    open.push(attack(world));
    const one = open[random(open.length)] as Connection;
    if (random(3) === 0) one.resume();
    if (random(4) === 0) one.turn(() => one.closeNotify());
    if (open.length >= OPEN) end(open.splice(random(open.length), 1)[0] as Connection);
    if (i % 256 === 0) {
      const settings = settingsWith({ certificates: sets[(i / 256) % 2] ?? [] });
      server.engine.replace(settings);
      await between(settings);
    }
  }
  for (const connection of open) end(connection);
  for (const one of clients) one.free();
  return events;
}
