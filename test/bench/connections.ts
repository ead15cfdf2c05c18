/** The cost for a server of our own client's connections, one query each. */
import { type ClientOptions, framed, openClient, type Ports, type SessionKind } from '../load/client.js';
import { several } from '../load/scenarios.js';
import { buildQuery } from '../support/message.js';
import { type CpuReading, cpuBetween } from './proc.js';
import { queries, randomFrom } from './workload.js';

/** A server whose CPU can be read. */
interface Measured extends Ports {
  cpu(): CpuReading;
}

const SEED = 7;
/** Even the smallest zone of the workload has this many names. */
const NAMES = 5000;
const QUERIES = queries(5000, randomFrom(SEED), NAMES, 50).map(([name, type]) =>
  framed(buildQuery({ name: `${name}.`, type })),
);

/** A framed query of the workload. */
export const questionAt = (number: number): Buffer => QUERIES[number % QUERIES.length] ?? Buffer.alloc(0);

/**
 * Microseconds of CPU of a connection with one query, over `count` of them; NaN when sessions were to be resumed and were
 * not.
 */
export async function connectionCost(
  server: Measured,
  kind: SessionKind,
  count: number,
  resume = false,
): Promise<number> {
  const options: ClientOptions = resume ? { session: await ticketOf(server, kind) } : {};
  const before = server.cpu();
  const resumed = await several(count, async (number) => {
    const client = await openClient(kind, server, options);
    await client.ask(questionAt(number));
    await client.close();
    return client.resumed;
  });
  const { total } = cpuBetween(before, server.cpu());
  return resume && resumed.filter(Boolean).length < count * 0.9 ? Number.NaN : total / count;
}

/** The ticket of a new session. */
async function ticketOf(server: Measured, kind: SessionKind): Promise<Buffer | undefined> {
  const client = await openClient(kind, server);
  await client.ask(questionAt(0));
  await client.close();
  return client.session;
}
