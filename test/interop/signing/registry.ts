/** The registry of a parent zone: it reads the CDS records of its children (RFC 7344), and puts DS records into the parent by UPDATE. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asked, Exchange } from '../../differential/exchange.js';
import { buildQuery } from '../../support/message.js';
import { readMessage } from '../../support/message-reader.js';
import { updateMessage } from '../../transfer/update/update-case.js';

const CDS = 59;
/** Milliseconds between two looks at a child. */
const PAUSE = 100;
/** CDS that asks to remove all DS records (RFC 8078 §4), in hexadecimal. */
const DELETE = '0000000000';

/** Where a server is, on loopback. */
interface Place {
  readonly port: number;
}

export class Registry {
  readonly #parent: string;
  readonly #parentServer: Exchange;
  /** They are asked in turn. */
  #childServers: readonly Exchange[];
  /** DS records by child, RDATA in hexadecimal. */
  readonly #ds = new Map<string, readonly string[]>();
  readonly #watching: Promise<void>[] = [];
  #isOver = false;

  private constructor(parent: string, parentServer: Exchange, childServers: readonly Exchange[]) {
    this.#parent = parent;
    this.#parentServer = parentServer;
    this.#childServers = childServers;
  }

  static async open(parent: string, parentPlace: Place, ...childPlaces: readonly Place[]): Promise<Registry> {
    const open = (name: string, { port }: Place) => Exchange.open({ name, address: '127.0.0.1', port });
    const children = await Promise.all(childPlaces.map((place) => open('child', place)));
    return new Registry(parent, await open('parent', parentPlace), children);
  }

  /** Begins to look at a child; rejections come with close(). */
  watch(child: string): void {
    this.#watching.push(this.#watch(child));
  }

  /** Asks only the first of the children's servers from now on. */
  askFirstOnly(): void {
    for (const server of this.#childServers.slice(1)) server.close();
    this.#childServers = this.#childServers.slice(0, 1);
  }

  /** How many DS records a child has. */
  count(child: string): number {
    return this.#ds.get(child)?.length ?? 0;
  }

  /** Key tags of the DS records that a child has. */
  tags(child: string): number[] {
    return (this.#ds.get(child) ?? []).map((hex) => Number.parseInt(hex.slice(0, 4), 16));
  }

  async close(): Promise<void> {
    this.#isOver = true;
    try {
      await Promise.all(this.#watching);
    } finally {
      this.#parentServer.close();
      for (const server of this.#childServers) server.close();
    }
  }

  async #watch(child: string): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      const cds = await recordsOf(this.#childServers[round % this.#childServers.length]!, child, CDS);
      const wanted = cds.includes(DELETE) ? [] : cds;
      // No CDS asks for nothing.
      if (cds.length > 0 && wanted.join() !== (this.#ds.get(child) ?? []).join()) await this.#replace(child, wanted);
      await sleep(PAUSE);
    }
  }

  async #replace(child: string, wanted: readonly string[]): Promise<void> {
    const adding = wanted.map((hex) => `${child} 2 IN DS \\# ${hex.length / 2} ${hex}`);
    const message = updateMessage({ zone: this.#parent, changes: [`${child} 0 ANY DS`, ...adding] });
    // Before the DS records go, the child may become insecure; when they have come, it is secure.
    if (wanted.length === 0) this.#ds.set(child, wanted);
    const { rcode } = readMessage(await this.#parentServer.ask(message, true));
    if (rcode !== 0) throw new Error(`the parent answers RCODE ${rcode} to UPDATE of the DS records of ${child}`);
    this.#ds.set(child, wanted);
  }
}

/** RDATA of all records at the name, in hexadecimal, sorted. */
export async function recordsOf(server: Asked, name: string, type: number): Promise<string[]> {
  const { answer } = readMessage(await server.ask(buildQuery({ name, type }), true));
  const own = answer.filter((record) => record.type === type);
  return own.map(({ rdata }) => rdata.toString('hex')).sort();
}
