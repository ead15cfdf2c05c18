/** lossy_link.py: a link between two namespaces that loses, delays and withholds packets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LINK, type Namespace } from './namespace.js';

const PROGRAM = fileURLToPath(new URL('lossy_link.py', import.meta.url));

/** What happens to packets, in both directions. */
interface LinkState {
  /** Part of them that is lost. */
  readonly loss?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly jitter?: number;
  /** Addresses that nothing comes from or goes to. */
  readonly cut?: readonly string[];
}

export interface LossyLink {
  /** Changes what is given; the rest stays. */
  set(state: LinkState): Promise<void>;
  close(): Promise<void>;
}

/** Joins two namespaces. The addresses have the lengths of their networks, IPv4 only. */
export async function openLossyLink(
  [one, ofOne]: readonly [Namespace, readonly string[]],
  [other, ofOther]: readonly [Namespace, readonly string[]],
  seed: number,
): Promise<LossyLink> {
  const child = spawn('python3', ['-B', PROGRAM, one.name, other.name, LINK, String(seed)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (): Promise<void> => {
    if ((await lines.next()).done) throw new Error('the link has ended');
  };
  await said();
  for (const [namespace, addresses] of [[one, ofOne] as const, [other, ofOther] as const]) {
    for (const address of addresses) await namespace.demand('ip', 'address', 'add', address, 'dev', LINK);
    await namespace.demand('ip', 'link', 'set', LINK, 'up');
  }
  return {
    async set(state) {
      child.stdin.write(`${JSON.stringify(state)}\n`);
      await said();
    },
    async close() {
      child.stdin.end();
      await gone;
    },
  };
}
