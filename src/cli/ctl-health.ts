/** `adotd ctl health`: asks a server a question at each of its own addresses, for the health checks of containers. */
import { existsSync } from 'node:fs';
import { ClientError } from '../client/errors.js';
import { exchange } from '../client/session/exchange.js';
import { textToType } from '../client/wire/mnemonics.js';
import { AdotdError, ErrorCode } from '../errors.js';
import type { ServerStatus } from '../server/control/control-target.js';
import { endpointText } from '../transport/address.js';
import type { Endpoint } from '../transport/transport.js';
import type { ControlClient } from './ctl-client.js';

/** Milliseconds for each try, and tries over UDP. */
const TIMEOUT = 1500;
const TRIES = 2;

interface Place {
  readonly transport: 'udp' | 'tcp';
  readonly address: string;
  readonly port: number;
}

interface Health {
  /** Addresses that answer. */
  readonly answers: readonly string[];
  /** A line for each address that does not, and one if there is another reason. */
  readonly problems: readonly string[];
}

/**
 * Asks the server for its addresses over the control socket `socket`, and then asks each of them for the SOA record of the root, over UDP
 * and TCP. Any answer will do, also REFUSED. Where there is no control socket, the addresses are those of the configuration `config`.
 * Rejects with AdotdError.
 */
export async function healthOf(client: ControlClient, socket: string, config: string | undefined): Promise<Health> {
  const places =
    config !== undefined && !existsSync(socket) ? await configuredPlaces(config) : await boundPlaces(client);
  const outcomes = await Promise.all(places.map(async (place) => ({ place, problem: await problemAt(place) })));
  const answers = outcomes.flatMap(({ place, problem }) => (problem === undefined ? [textOf(place)] : []));
  const problems = outcomes.flatMap(({ place, problem }) =>
    problem === undefined ? [] : [`${textOf(place)}: ${problem}`],
  );
  return { answers, problems: places.length > 0 ? problems : ['the server has no address for UDP or TCP'] };
}

async function boundPlaces(client: ControlClient): Promise<Place[]> {
  const { state, addresses } = (await client.json('GET', '/status')) as ServerStatus;
  if (state !== 'ready') throw new AdotdError(ErrorCode.CONTROL, `the server is ${state}, expected ready`);
  return [...addresses.udp.map((one) => placeOf('udp', one)), ...addresses.tcp.map((one) => placeOf('tcp', one))];
}

async function configuredPlaces(file: string): Promise<Place[]> {
  const { readConfig } = await import('../config/load.js');
  const { listen, port } = readConfig(file);
  if (port === 0) {
    const remedy = 'set `control.socket`, which knows the port';
    throw new AdotdError(ErrorCode.CONTROL, `there is no control socket, and \`port\` of ${file} is 0: ${remedy}`);
  }
  return (['udp', 'tcp'] as const).flatMap((transport) =>
    listen.map((address) => placeOf(transport, { address, port })),
  );
}

/** A server that listens on all addresses is asked at the loopback address. */
function placeOf(transport: Place['transport'], { address, port }: Endpoint): Place {
  const loopback: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { transport, address: loopback[address] ?? address, port };
}

function textOf({ transport, address, port }: Place): string {
  return `${transport} ${endpointText(address, port)}`;
}

/** Why this address does not answer; undefined: it does. */
async function problemAt({ transport, address, port }: Place): Promise<string | undefined> {
  const query = { name: '.', type: textToType('SOA') ?? 0 };
  try {
    await exchange(query, {
      transport,
      server: { address, port },
      timeoutMs: TIMEOUT,
      tries: TRIES,
      retryTruncated: false,
    });
    return undefined;
  } catch (error) {
    if (error instanceof ClientError) return error.message;
    throw error;
  }
}
