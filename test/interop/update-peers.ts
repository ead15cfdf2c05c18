/** BIND and Knot as primary servers that take UPDATE from anybody on loopback, and what they have afterwards. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { decodeMessage } from '../support/message.js';
import { nameFromText } from '../support/names.js';
import { configureKnot } from '../support/peers/knot.js';
import { freePort, LOOPBACK, type Peer, startPeer } from '../support/peers/server.js';
import { framed } from '../support/responder.js';

export interface UpdatedZone {
  /** Absolute. */
  readonly name: string;
  readonly lines: readonly string[];
}

function writeZones(folder: string, zones: readonly UpdatedZone[]): { name: string; file: string }[] {
  mkdirSync(folder, { recursive: true });
  return zones.map(({ name, lines }) => {
    const file = join(folder, `${name}zone`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return { name, file };
  });
}

export async function startUpdatedBind(folder: string, zones: readonly UpdatedZone[], more = ''): Promise<Peer> {
  const files = writeZones(folder, zones);
  const port = await freePort();
  const config = join(folder, 'named.conf');
  const checks = ['integrity', 'sibling', 'wildcard'].map((name) => `  check-${name} no;\n`).join('');
  writeFileSync(
    config,
    `options {
  directory "${folder}";
  listen-on port ${port} { ${LOOPBACK}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  allow-query { any; };
  allow-transfer { any; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  check-names primary ignore;
${checks}  check-mx ignore;
  check-srv-cname ignore;
  check-mx-cname ignore;
  max-records-per-type 0;
  max-types-per-name 0;
  tcp-idle-timeout 1200;
};
controls { };
${more}${files.map(({ name, file }) => `zone "${name}" { type primary; file "${file}"; allow-update { any; }; };\n`).join('')}`,
  );
  return startPeer('BIND', 'named', ['-g', '-n', '1', '-c', config, '-u', userInfo().username], port);
}

export async function startUpdatedKnot(folder: string, zones: readonly UpdatedZone[]): Promise<Peer> {
  const files = writeZones(folder, zones);
  const port = await freePort();
  const [, ...words] = configureKnot(
    { folder, port, zones: files, connections: 200 },
    {
      database: `  journal-db-max-size: 64M
acl:
  - id: anybody
    address: ${LOOPBACK}
    action: [transfer, update]
`,
      template: `    semantic-checks: off
    serial-policy: increment
    acl: anybody
    journal-content: changes
`,
    },
  );
  return startPeer('Knot', 'knotd', words, port);
}

/** A record as a line, in lower case, without the serial of an SOA record. */
export function recordLine(owner: string, ttl: number, type: number, rdata: Buffer): string {
  const isSoa = type === 6;
  const text = isSoa ? Buffer.concat([rdata.subarray(0, -20), rdata.subarray(-16)]) : rdata;
  // Names in RDATA keep the letter case of the first record of theirs.
  const lowered = [15, 2, 5, 6, 33].includes(type) ? text.toString('latin1').toLowerCase() : text.toString('latin1');
  return `${owner.toLowerCase()} ${ttl} ${type} ${Buffer.from(lowered, 'latin1').toString('hex')}`;
}

/** One TCP connection, opened again when it was closed; one request after the other. */
export class Requests implements Disposable {
  readonly #port: number;
  #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(port: number) {
    this.#port = port;
    this.#socket = this.#connect();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: LOOPBACK, noDelay: true });
    this.#received = Buffer.alloc(0);
    socket.on('data', (octets) => {
      this.#received = Buffer.concat([this.#received, octets]);
      this.#wake();
    });
    for (const event of ['error', 'end', 'close']) socket.on(event, () => this.#wake());
    return socket;
  }

  #write(message: Uint8Array): void {
    if (this.#socket.destroyed || this.#socket.readableEnded) this.#socket = this.#connect();
    this.#socket.write(framed(message));
  }

  /** The response; undefined: the server has closed the connection. */
  async ask(message: Uint8Array): Promise<Buffer | undefined> {
    this.#write(message);
    return await this.#next();
  }

  /** All records of a zone but the SOA at the end, as `owner TTL type RDATA` in lower case, sorted; the serial is left out. */
  async transfer(zone: string): Promise<string[]> {
    // A server may have closed the connection behind its last answer, and this is seen only now.
    return (
      (await this.#transfer(zone)) ?? (await this.#transfer(zone)) ?? Promise.reject(new Error(`${zone}: no transfer`))
    );
  }

  async #transfer(zone: string): Promise<string[] | undefined> {
    const question = [...nameFromText(zone), 0, 252, 0, 1];
    this.#write(Uint8Array.from([1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question]));
    const records: string[] = [];
    for (let soas = 0; soas < 2; ) {
      const message = await this.#next();
      if (message === undefined) return undefined;
      const { rcode, answer } = decodeMessage(message);
      if (rcode !== 0) throw new Error(`${zone}: RCODE ${rcode}`);
      for (const { owner, ttl, type, rdata } of answer) {
        if (type === 6 && ++soas === 2) break;
        records.push(recordLine(owner, ttl, type, Buffer.from(rdata, 'hex')));
      }
    }
    return records.sort();
  }

  async #next(): Promise<Buffer | undefined> {
    const isWhole = (): boolean =>
      this.#received.length > 1 && this.#received.length >= 2 + this.#received.readUInt16BE(0);
    while (!isWhole()) {
      if (this.#socket.destroyed || this.#socket.readableEnded) {
        this.#socket.destroy();
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const end = 2 + this.#received.readUInt16BE(0);
    const message = this.#received.subarray(2, end);
    this.#received = this.#received.subarray(end);
    return message;
  }
}
