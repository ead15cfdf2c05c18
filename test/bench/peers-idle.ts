/** What servers cost that nobody asks. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Idle } from './peers-results.js';
import { cpuBetween } from './proc.js';
import type { Contestant } from './servers.js';

/** Seconds that a quiet server is watched. */
export const IDLE_WINDOW = 10;
/** Seconds after a load until a server counts as idle: collections of garbage, and what adotd looks for in its first 5 s, are over then. */
const SETTLE = 8;

/**
 * Watches all servers at once, `turns` times, after a pause: they share a CPU, and hardly use it. `scale`: of all times, for a look
 * whether it works.
 */
export async function measureIdle(
  servers: readonly Contestant[],
  turns: number,
  scale: number,
): Promise<Record<string, Idle[]>> {
  const figures: Record<string, Idle[]> = Object.fromEntries(servers.map(({ name }) => [name, []]));
  await wait(SETTLE * scale * 1000);
  for (let turn = 0; turn < turns; turn++) {
    const began = performance.now();
    const before = servers.map((server) => server.cpu());
    await wait(IDLE_WINDOW * scale * 1000);
    const after = servers.map((server) => server.cpu());
    const seconds = (performance.now() - began) / 1000;
    servers.forEach(({ name }, index) => {
      const { total, wakeUps } = cpuBetween(before[index]!, after[index]!);
      figures[name]?.push({ cpu: total / 1000 / seconds, wakeUps: wakeUps / seconds });
    });
  }
  return figures;
}
