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
  readonly #childServer: Exchange;
  /** DS records by child, RDATA in hexadecimal. */
  readonly #ds = new Map<string, readonly string[]>();
  readonly #watching: Promise<void>[] = [];
  #isOver = false;

  private constructor(parent: string, parentServer: Exchange, childServer: Exchange) {
    this.#parent = parent;
    this.#parentServer = parentServer;
    this.#childServer = childServer;
  }

  static async open(parent: string, parentPlace: Place, childPlace: Place): Promise<Registry> {
    const open = (name: string, { port }: Place) => Exchange.open({ name, address: '127.0.0.1', port });
    return new Registry(parent, await open('parent', parentPlace), await open('child', childPlace));
  }

  /** Begins to look at a child; rejections come with close(). */
  watch(child: string): void {
    this.#watching.push(this.#watch(child));
  }

  /** How many DS records a child has. */
  count(child: string): number {
    return this.#ds.get(child)?.length ?? 0;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    try {
      await Promise.all(this.#watching);
    } finally {
      this.#parentServer.close();
      this.#childServer.close();
    }
  }

  async #watch(child: string): Promise<void> {
    while (!this.#isOver) {
      const cds = await recordsOf(this.#childServer, child, CDS);
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
