import { Certificate, createSign, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import { type OpenSsl, openSsl } from '../../../src/tls/openssl/functions.js';
import { TlsRead } from '../../../src/tls/openssl/turn.js';
import { MemoryServer, settingsWith, visitNode } from './support.js';

const library = openSsl() as OpenSsl;
const settings = settingsWith();

/** Every call about a connection, and what it says to a handle that it refuses. */
const CALLS: Readonly<Record<string, (engine: TlsEngine, handle: number) => unknown>> = {
  begin: (engine, handle) => engine.begin(handle, 0, 0),
  read: (engine, handle) => engine.read(handle),
  write: (engine, handle) => engine.write(handle, engine.outgoingAddress, 10),
  closeNotify: (engine, handle) => engine.closeNotify(handle),
  output: (engine, handle) => engine.output(handle),
  finish: (engine, handle) => engine.finish(handle),
  describe: (engine, handle) => engine.describe(handle),
  free: (engine, handle) => engine.free(handle),
};
const REFUSED: Readonly<Record<string, unknown>> = {
  read: TlsRead.REFUSED,
  output: 0,
  describe: undefined,
  free: undefined,
};

describe('a handle', () => {
  it.each(Object.keys(CALLS))('is refused by %s when its connection is freed, and when there never was one', (name) => {
    using server = new MemoryServer(settings);
    const { engine } = server;
    const freed = engine.open();
    engine.free(freed);
    // The place is taken by another connection, which is not touched.
    const next = engine.open();
    const handles = [freed, -1, 4711, 2 ** 31 - 1, Number.NaN];
    for (const handle of handles) {
      expect(CALLS[name]?.(engine, handle)).toBe(name in REFUSED ? REFUSED[name] : false);
    }
    expect(engine.counts).toMatchObject({ open: 1, refused: handles.length });
    expect(engine.hasKept(freed)).toBe(false);
    expect(engine.isHandshaking(freed)).toBe(false);
    expect(engine.isHandshaking(next)).toBe(true);
    expect(library.ERR_peek_error()).toBe(0);
  });

  it('is told of when it is refused, at once', () => {
    const faults: string[] = [];
    const engine = createTlsEngine(settings, undefined, (fault) => faults.push(fault)) as TlsEngine;
    for (const call of Object.values(CALLS)) call(engine, 4711);
    expect(faults).toEqual(Object.keys(CALLS).map(() => 'refused'));
    engine.close();
  });

  it('is refused when it is not its turn', () => {
    using server = new MemoryServer(settings);
    const { engine } = server;
    const [one, two] = [engine.open(), engine.open()];
    for (const name of ['read', 'write', 'closeNotify', 'output', 'finish']) {
      expect(CALLS[name]?.(engine, one)).toBe(REFUSED[name] ?? false);
    }
    expect(engine.begin(one, 0, 0)).toBe(true);
    for (const name of ['begin', 'read', 'write', 'closeNotify', 'output', 'finish']) {
      expect(CALLS[name]?.(engine, two)).toBe(REFUSED[name] ?? false);
    }
    expect(engine.begin(one, 0, 0)).toBe(false);
    expect(engine.finish(one)).toBe(true);
    expect(engine.begin(two, 0, 0)).toBe(true);
    expect(engine.finish(two)).toBe(true);
    expect(engine.counts).toMatchObject({ open: 2, refused: 12 });
  });

  it('writes nothing before the handshake is complete', () => {
    using server = new MemoryServer(settings);
    const { engine } = server;
    const handle = engine.open();
    engine.begin(handle, 0, 0);
    expect(engine.write(handle, engine.outgoingAddress, 5)).toBe(false);
    expect(engine.closeNotify(handle)).toBe(false);
    expect(engine.output(handle)).toBe(0);
    expect(engine.finish(handle)).toBe(true);
    expect(engine.counts).toMatchObject({ refused: 1, leftovers: 0 });
  });

  it('may be freed in the middle of a turn, whatever has come and is to go', async () => {
    using server = new MemoryServer(settings);
    for (const moment of ['secured', 'answer'] as const) {
      using dialled = server.connect();
      const { connection, client } = dialled;
      client.on('error', () => {});
      let free = true;
      server.answer = (octets, served) => {
        served.write(octets);
        if (moment === 'answer' && free) connection.free();
        free = false;
      };
      await new Promise((resolve) => client.once('secureConnect', resolve));
      client.write('hello');
      await new Promise((resolve) => setImmediate(resolve));
      if (moment === 'secured') {
        server.engine.begin(connection.handle, server.engine.outgoingAddress, 100);
        connection.free();
      }
      // Another connection finds nothing of it.
      server.answer = (octets, served) => void served.write(octets);
      expect((await server.visit()).back).toBe('hello');
    }
    expect(server.engine.counts).toMatchObject({ open: 0, leftovers: 0 });
  });
});

describe('a turn', () => {
  it('that leaves output is counted, and its connection is broken; others find nothing of it', async () => {
    using server = new MemoryServer(settings);
    const { engine } = server;
    using dialled = server.connect();
    const { connection, client } = dialled;
    await new Promise((resolve) => client.once('secureConnect', resolve));
    client.write('hello');
    await new Promise((resolve) => client.once('data', resolve));
    expect(engine.begin(connection.handle, 0, 0)).toBe(true);
    connection.write(Buffer.from('never taken'));
    expect(engine.waiting).toBeGreaterThan(11);
    expect(engine.finish(connection.handle)).toBe(false);
    expect(engine.counts).toMatchObject({ leftovers: 1 });
    expect(engine.begin(connection.handle, 0, 0)).toBe(true);
    expect(engine.waiting).toBe(0);
    expect(engine.read(connection.handle)).toBe(TlsRead.FAILED);
    expect(engine.finish(connection.handle)).toBe(true);
    expect((await server.visit()).back).toBe('hello');
  });

  it('tells the time that handshakes took', async () => {
    using server = new MemoryServer(settings);
    server.engine.startTurn();
    await server.visit();
    expect(server.engine.handshakeTime).toBeGreaterThan(0);
    server.engine.startTurn();
    expect(server.engine.handshakeTime).toBe(0);
  });
});

describe('the errors of OpenSSL', () => {
  it('that node:crypto leaves in the queue do no harm to a connection', async () => {
    using server = new MemoryServer(settings);
    const leave = (): void => {
      Certificate.verifySpkac(Buffer.from('nonsense'));
      if (library.ERR_peek_error() === 0) library.RAND_bytes(0, -1);
      expect(library.ERR_peek_error()).not.toBe(0);
    };
    using dialled = server.connect();
    const { connection, client } = dialled;
    const receive = connection.receive.bind(connection);
    connection.receive = (octets) => {
      leave();
      return receive(octets);
    };
    server.answer = (octets, served) => {
      leave();
      served.write(octets);
      leave();
    };
    await new Promise((resolve) => client.once('secureConnect', resolve));
    for (let i = 0; i < 5; i++) {
      client.write(`message ${i}`);
      expect(String(await new Promise((resolve) => client.once('data', resolve)))).toBe(`message ${i}`);
    }
    expect(connection.events).toEqual(['secured', 9, 9, 9, 9, 9]);
    library.ERR_clear_error();
  });

  it('of a connection are not left for node:crypto and node:tls', async () => {
    using server = new MemoryServer(settings);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const octets of ['GET / HTTP/1.0\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\x15\x03\x01\x00\x02\x02\x28']) {
      const connection = server.open(() => {});
      connection.receive(Buffer.from(octets, 'latin1'));
      expect(library.ERR_peek_error()).toBe(0);
      createSign('sha256').update('text').sign(privateKey);
      expect((await visitNode(settings)).back).toBe('hello');
      connection.free();
      expect(library.ERR_peek_error()).toBe(0);
    }
  });
});
