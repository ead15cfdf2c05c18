/** Feeds messages by chance to respond(), and stops at the first response that is not as it must be. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../src/config/schema.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { chanceOf } from '../reference/generate.js';
import { type Engine, engineOf } from '../support/engine.js';
import { judgeResponse } from './judge.js';
import { KEY, someMessage } from './mutate.js';

const ZONES = ['plain.test', 'child.plain.test', 'nsec.test', 'nsec3.test', 'optout.test'];

/** The result of a run. */
interface FuzzReport {
  readonly messages: number;
  readonly responses: number;
  /** The first failing message in hexadecimal, and the failure. */
  readonly failure: string | undefined;
}

/** The engine that is fuzzed: the conformance zones, everything configured that a response can carry. */
function fuzzEngine(): Engine {
  const folder = join(process.cwd(), 'test', 'conformance', 'zones');
  return engineOf(
    ZONES.map((zone) => ({ file: zone, text: readFileSync(join(folder, `${zone}.zone`), 'latin1') })),
    {
      minimalResponses: false,
      version: 'fuzz',
      hostname: 'fuzz',
      nsid: Uint8Array.from([1, 2, 3]),
      cookieSecrets: [new Uint8Array(16)],
      tsigKeys: configuredKeys(configSchema.parse({ tsig: [{ ...KEY, mac_bits: 128 }] })),
    },
  );
}

/** Runs `count` messages from `seed`; `progress` is told the number done every million. */
export function fuzz(count: number, seed: number, progress?: (done: number) => void): FuzzReport {
  const engine = fuzzEngine();
  let responses = 0;
  for (let i = 0; i < count; i++) {
    // Every message has a seed of its own, so that one that fails can be made again alone.
    const chance = chanceOf(seed + Math.imul(i, 2_654_435_761));
    const message = someMessage(chance);
    const transport = chance.percent(70) ? 'udp' : 'tcp';
    const wrong = attempt(engine, message, transport);
    if (typeof wrong === 'string') {
      const hex = Buffer.from(message).toString('hex');
      return { messages: i + 1, responses, failure: `seed ${seed}, message ${i}, ${transport}: ${wrong}: ${hex}` };
    }
    if (wrong) responses++;
    if (i % 1_000_000 === 999_999) progress?.(i + 1);
  }
  return { messages: count, responses, failure: undefined };
}

/** Whether there was a response; a text when it or the exception thrown is a fault. */
function attempt(engine: Engine, message: Uint8Array, transport: 'udp' | 'tcp'): boolean | string {
  try {
    const response = engine.ask(message, transport);
    return judgeResponse(message, response, transport) ?? response !== undefined;
  } catch (error) {
    return `exception ${error instanceof Error ? error.stack : error}`;
  }
}
