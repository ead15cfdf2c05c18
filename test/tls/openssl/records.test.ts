import { describe, expect, it } from 'vitest';
import { RawClient, RawClients } from './raw-client.js';
import { MemoryServer, settingsWith, VERSIONS } from './support.js';

const settings = settingsWith();
const APPLICATION_DATA = 23;

/** The lengths of the records of a stream, which has whole ones, by their type. */
function recordsOf(stream: Buffer, type = APPLICATION_DATA): number[] {
  const found: number[] = [];
  for (let at = 0; at < stream.length; at += 5 + stream.readUInt16BE(at + 3)) {
    if (stream.readUInt8(at) === type) found.push(stream.readUInt16BE(at + 3));
  }
  return found;
}

/** A client of OpenSSL whose handshake is complete, and its connection. */
function established(server: MemoryServer, clients: RawClients) {
  const sent: Buffer[] = [];
  const connection = server.open((octets) => sent.push(octets));
  const client = new RawClient(clients, 'ns.test');
  const pass = (): void => {
    for (const octets of sent.splice(0)) client.give(octets);
  };
  while (!client.handshake()) {
    connection.receive(client.take());
    pass();
  }
  connection.receive(client.take());
  pass();
  client.read();
  expect(connection.events).toEqual(['secured']);
  connection.events.length = 0;
  return { client, connection, sent, pass };
}

describe.each(VERSIONS)('records with %s', (version) => {
  const shared = new RawClients(version);

  it('that come in one read are read one by one, and each answer has its own', () => {
    using server = new MemoryServer(settings);
    const { client, connection, sent, pass } = established(server, shared);
    const messages = [10, 500, 1, 16_384, 77].map((length) => Buffer.alloc(length, length));
    for (const message of messages) client.write(message);
    connection.receive(client.take());
    expect(connection.events).toEqual([10, 500, 1, 16_384, 77]);
    expect(recordsOf(Buffer.concat(sent))).toHaveLength(messages.length);
    pass();
    expect(client.read()).toEqual(Buffer.concat(messages));
    client[Symbol.dispose]();
  });

  it('may be cut at every octet', () => {
    using server = new MemoryServer(settings);
    const { client, connection } = established(server, shared);
    client.write(Buffer.from('one'));
    client.write(Buffer.from('two'));
    const { length } = client.take();
    connection.free();
    client[Symbol.dispose]();
    for (let cut = 0; cut <= length; cut++) {
      const { client: other, connection: fresh, pass: deliver } = established(server, shared);
      other.write(Buffer.from('one'));
      other.write(Buffer.from('two'));
      const octets = other.take();
      fresh.receive(octets.subarray(0, cut));
      fresh.receive(octets.subarray(cut));
      deliver();
      expect(other.read().toString()).toBe('onetwo');
      fresh.free();
      other[Symbol.dispose]();
    }
    expect(server.engine.counts).toMatchObject({ open: 0, refused: 0, leftovers: 0 });
  });

  it('carry 64 KiB both ways, in records as small as the client likes', () => {
    using server = new MemoryServer(settings);
    for (const limit of [16_384, 4096, 512]) {
      const { client, connection, pass } = established(server, shared);
      const whole = Buffer.alloc(65_537, 'a message of 64 KiB ');
      const got: Buffer[] = [];
      server.answer = (octets) => {
        got.push(octets);
        if (Buffer.concat(got).length === whole.length) connection.write(Buffer.concat(got));
      };
      client.limitRecords(limit);
      client.write(whole);
      const octets = client.take();
      for (let at = 0; at < octets.length; at += 32_768) connection.receive(octets.subarray(at, at + 32_768));
      expect(connection.events).toHaveLength(Math.ceil(whole.length / limit));
      pass();
      expect(client.read().equals(whole)).toBe(true);
      connection.free();
      client[Symbol.dispose]();
    }
    expect(server.engine.counts).toMatchObject({ open: 0, leftovers: 0 });
  });

  it('wait while a connection is paused, and are read in their order when it goes on', () => {
    using server = new MemoryServer(settings);
    const { client, connection, pass } = established(server, shared);
    let pauses = 0;
    server.answer = (octets, served) => {
      served.write(octets);
      if (octets.readUInt16BE(0) % 7 === 3) {
        pauses++;
        served.pause();
      }
    };
    const numbers = Array.from({ length: 300 }, (_, number) => Buffer.from([number >> 8, number & 0xff, 0, 0]));
    for (const number of numbers) client.write(number);
    const octets = client.take();
    connection.receive(octets.subarray(0, octets.length - 9));
    expect(server.engine.hasKept(connection.handle)).toBe(true);
    // Other connections have their turns meanwhile.
    const other = established(server, shared);
    other.client.write(Buffer.from([0, 0]));
    other.connection.receive(other.client.take());
    for (let i = 0; i < 100 && server.engine.hasKept(connection.handle); i++) connection.resume();
    connection.receive(octets.subarray(octets.length - 9));
    expect(connection.events).toHaveLength(300);
    expect(pauses).toBe(43);
    pass();
    expect(client.read()).toEqual(Buffer.concat(numbers));
    expect(server.engine.counts).toMatchObject({ refused: 0, leftovers: 0 });
    for (const one of [client, other.client]) one[Symbol.dispose]();
  });

  it('end with close_notify, and the connection stays open for what the client still sends', () => {
    using server = new MemoryServer(settings);
    const { client, connection, pass } = established(server, shared);
    client.write(Buffer.from('question'));
    server.answer = (octets, served) => {
      served.write(octets);
      expect(served.closeNotify()).toBe(true);
      expect(served.closeNotify()).toBe(false);
      expect(served.write(octets)).toBe(false);
    };
    connection.receive(client.take());
    pass();
    expect(client.read().toString()).toBe('question');
    expect(client.isClosed).toBe(true);
    server.answer = () => {};
    client.write(Buffer.from('late'));
    client.close();
    connection.receive(client.take());
    expect(connection.events).toEqual([8, 4, 'closed']);
    client[Symbol.dispose]();
  });

  it('may be answered after the close_notify of the client', () => {
    using server = new MemoryServer(settings);
    const { client, connection, pass } = established(server, shared);
    client.close();
    connection.receive(client.take());
    expect(connection.events).toEqual(['closed']);
    expect(connection.turn(() => expect(connection.write(Buffer.from('late'))).toBe(true))).toBe(true);
    pass();
    connection.events.length = 0;
    connection.turn(() => expect(connection.closeNotify()).toBe(true));
    pass();
    client[Symbol.dispose]();
  });

  it('without plaintext come to an end', () => {
    using server = new MemoryServer(settings);
    const { client, connection } = established(server, shared);
    const octets = Buffer.alloc(5 + 16_640);
    octets.set([APPLICATION_DATA, 3, 3, 16_640 >> 8, 16_640 & 0xff]);
    // A record that is not whole is waited for, as long as one can be.
    expect(connection.receive(octets.subarray(0, octets.length - 1))).toBe(true);
    expect(connection.events).toEqual([]);
    connection.receive(octets.subarray(-1));
    expect(connection.events).toEqual([expect.stringMatching(/^failed ERR_SSL_/)]);
    expect(connection.turn(() => {})).toBe(true);
    client[Symbol.dispose]();
  });
});

describe('key updates (TLS 1.3)', () => {
  const clients = new RawClients('TLSv1.3');

  it('change keys in both directions, with data among them', () => {
    using server = new MemoryServer(settings);
    const { client, connection, pass } = established(server, clients);
    for (let i = 0; i < 2000; i++) {
      expect(client.updateKey(i % 2 === 0)).toBe(true);
      client.write(Buffer.from('data'));
      connection.receive(client.take());
      pass();
      expect(client.read().toString()).toBe('data');
    }
    expect(connection.events).toHaveLength(2000);
    client[Symbol.dispose]();
  });

  it('end the connection when they come without data', () => {
    using server = new MemoryServer(settings);
    const { client, connection, pass } = established(server, clients);
    let sent = 0;
    while (connection.events.length === 0 && sent < 100_000) {
      client.updateKey(true);
      const octets = client.take();
      sent += octets.length;
      connection.receive(octets);
      pass();
    }
    expect(connection.events).toEqual(['failed ADOTD_TLS_NO_PLAINTEXT']);
    expect(sent).toBeGreaterThan(32_768);
    expect(sent).toBeLessThan(33_000);
    expect(server.engine.counts).toMatchObject({ leftovers: 0, refused: 0 });
    client[Symbol.dispose]();
  });
});

describe('renegotiation (TLS 1.2)', () => {
  it('is refused, and what it brings stays bounded', () => {
    using server = new MemoryServer(settings);
    const clients = new RawClients('TLSv1.2');
    const { client, connection, pass } = established(server, clients);
    for (let i = 0; i < 3; i++) {
      client.renegotiate();
      connection.receive(client.take());
      pass();
      client.read();
    }
    expect(connection.events.every((event) => String(event).startsWith('failed '))).toBe(true);
    client[Symbol.dispose]();
  });
});
