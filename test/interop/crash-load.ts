/** What servers are asked to do while they are killed: updates, transfers, and questions for serials. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../../src/client/index.js';
import { decodeMessage } from '../support/message.js';
import { nameFromText } from '../support/names.js';
import { knock } from '../support/peers/server.js';
import { updateMessage } from '../transfer/update/update-case.js';
import { Requests } from './update-peers.js';
import { transferred } from './zone-records.js';

/** Clients that send updates to each zone. */
const CLIENTS = 4;
/** Milliseconds between two questions for all serials. */
const POLL = 3;

/** What each client wrote to the record of its own: the number that was acknowledged last, and the one that was sent last. */
interface Written {
  acknowledged: number;
  sent: number;
}

/** Whether `later` comes after `earlier` (RFC 1982 §3.2). */
const isBefore = (later: number, earlier: number): boolean => ((later - earlier) | 0) < 0;

export async function serialAt(port: number, zone: string): Promise<number | undefined> {
  const question = [...nameFromText(zone), 0, 6, 0, 1];
  const response = await knock(port, Uint8Array.from([1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question]));
  const soa = response && decodeMessage(response).answer.find(({ type }) => type === 6);
  // Twenty octets of numbers end the RDATA, the serial first (RFC 1035 §3.3.13); in hexadecimal.
  return soa && Number.parseInt(soa.rdata.slice(-40, -32), 16);
}

/** The serials that a server has been seen with. */
export class Serials {
  readonly #latest = new Map<string, number>();

  /** Asks; returns what is wrong: a serial that went back. */
  async look(name: string, port: number, zone: string): Promise<string | undefined> {
    const serial = await serialAt(port, zone);
    const key = `${name} ${zone}`;
    const latest = this.#latest.get(key);
    if (serial === undefined) return undefined;
    this.#latest.set(key, serial);
    return latest !== undefined && isBefore(serial, latest) ? `${key}: ${latest}, then ${serial}` : undefined;
  }
}

/** The clients that change one zone, and what they wrote. */
export class Updaters {
  readonly #zone: string;
  readonly #port: number;
  readonly #written: Written[] = Array.from({ length: CLIENTS }, () => ({ acknowledged: 0, sent: 0 }));

  constructor(zone: string, port: number) {
    this.#zone = zone;
    this.#port = port;
  }

  get acknowledged(): number {
    return this.#written.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Writes until it is over, one update after the other each. Returns what was answered wrongly. */
  async run(isOver: () => boolean): Promise<string[]> {
    const wrong = await Promise.all(this.#written.map((written, client) => this.#write(client, written, isOver)));
    return wrong.flat();
  }

  async #write(client: number, written: Written, isOver: () => boolean): Promise<string[]> {
    using requests = new Requests(this.#port);
    while (!isOver()) {
      const number = written.sent + 1;
      written.sent = number;
      const name = `client${client}`;
      const value = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
      const changes = [`${name} 0 ANY A`, `${name} 60 IN A ${value}`];
      const answer = await requests.ask(updateMessage({ zone: `${this.#zone}.`, changes }));
      // The connection was closed, or could not be made: the server was killed.
      if (answer === undefined) return [];
      const rcode = (answer[3] ?? 0) & 15;
      if (rcode !== 0) return [`${this.#zone}: an update is answered with RCODE ${rcode}`];
      written.acknowledged = number;
    }
    return [];
  }

  /** The numbers that are acknowledged now, by client. */
  least(): number[] {
    return this.#written.map(({ acknowledged }) => acknowledged);
  }

  /** What is wrong with the records of the zone: none of `least` may be missing, and nothing that was never sent be there. */
  judge(records: readonly string[], least: readonly number[]): string[] {
    return this.#written.flatMap(({ sent }, client) => {
      const prefix = `client${client}.${this.#zone}`;
      const found = records.filter((text) => text.startsWith(`${prefix} `) || text.startsWith(`${prefix}. `));
      const value = found.length === 0 ? 0 : Number.parseInt(found[0]?.slice(-6) ?? '', 16);
      const low = least[client] ?? 0;
      if (found.length > 1) return [`${prefix} has ${found.length} records`];
      return value >= low && value <= sent ? [] : [`${prefix} has ${value}; ${low} acknowledged, ${sent} sent`];
    });
  }
}

interface Transfers {
  readonly wrong: readonly string[];
  /** How many came whole. */
  readonly whole: number;
}

/** Transfers a zone again and again until it is over. If `updaters` change it there, what comes has all that they were told before. */
export async function transferAgain(
  port: number,
  zone: string,
  updaters: Updaters | undefined,
  isOver: () => boolean,
): Promise<Transfers> {
  const wrong: string[] = [];
  let whole = 0;
  while (!isOver()) {
    const least = updaters?.least() ?? [];
    try {
      const { records } = await transferred(port, zone);
      wrong.push(...(updaters?.judge(records, least) ?? []));
      whole++;
    } catch (error) {
      // The server was killed.
      if (!(error instanceof ClientError)) throw error;
      await sleep(POLL);
    }
  }
  return { wrong, whole };
}

/** Asks servers for serials until it is over; returns those that went back. */
export async function watchSerials(
  serials: Serials,
  servers: readonly { readonly name: string; readonly port: number }[],
  zones: readonly string[],
  isOver: () => boolean,
): Promise<string[]> {
  const wrong: (string | undefined)[] = [];
  for (; !isOver(); await sleep(POLL))
    for (const { name, port } of servers)
      wrong.push(...(await Promise.all(zones.map((zone) => serials.look(name, port, zone)))));
  return wrong.filter((text) => text !== undefined);
}
