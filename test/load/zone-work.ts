/**
 * `SERVER-PORT SOURCE-PORT`: gives a server work beside its queries until standard input ends: transfers a large zone again and again, sends it
 * updates at full rate, and changes a zone of its primary every second. Prints as JSON what was done.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { drainZone } from '../bench/zones-transfers.js';
import { Requests } from '../interop/update-peers.js';
import { updateMessage } from '../transfer/update/update-case.js';

export const LARGE = 'big.test';
export const UPDATED = 'updates.test';
export const TAKEN = 'taken.test';
/** Clients that send updates, one after the other each. */
const CLIENTS = 20;
/** Milliseconds between two changes of the zone of the primary. */
const CHANGE = 1000;

/** What was done. */
export interface ZoneWork {
  transfers: number;
  updates: number;
  changes: number;
}

async function work(server: number, source: number, isOver: () => boolean): Promise<ZoneWork> {
  const done: ZoneWork = { transfers: 0, updates: 0, changes: 0 };
  const update = async (requests: Requests, zone: string, name: string, number: number): Promise<void> => {
    const changes = [number % 2 === 0 ? `${name} 300 IN A 192.0.2.1` : `${name} 0 ANY A`];
    const answer = await requests.ask(updateMessage({ zone: `${zone}.`, changes }));
    const rcode = answer === undefined ? 'nothing' : (answer[3] ?? 0) & 15;
    if (rcode !== 0) throw new Error(`an update of ${zone} is answered with RCODE ${rcode}`);
  };
  const client = async (number: number): Promise<void> => {
    using requests = new Requests(server);
    for (let i = 0; !isOver(); i++, done.updates++) await update(requests, UPDATED, `client${number}`, i);
  };
  const transfer = async (): Promise<void> => {
    for (; !isOver(); done.transfers++) await drainZone(server);
  };
  const change = async (): Promise<void> => {
    using requests = new Requests(source);
    for (let i = 0; !isOver(); i++, done.changes++) {
      await update(requests, TAKEN, 'changed', i);
      await wait(CHANGE);
    }
  };
  await Promise.all([transfer(), change(), ...Array.from({ length: CLIENTS }, (_, number) => client(number))]);
  return done;
}

if (process.argv[1] === import.meta.filename) {
  let isOver = false;
  void once(process.stdin.resume(), 'end').then(() => {
    isOver = true;
  });
  const [server, source] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await work(server ?? 0, source ?? 0, () => isOver)));
}
