/** All that a server has counted since its start, as numbers of a row of evidence. */
import { threadCpu } from '../process/thread-cpu.js';
import type { Server } from '../server.js';
import { loaderCpuSeconds } from '../zones/load-zones.js';
import { type Cells, countedCells } from './counted-cells.js';

export function cellsNow({ plane }: Pick<Server, 'plane'>): Cells {
  return countedCells(plane.counters(), {
    cpu: { control: (threadCpu(process.pid) || 0) / 1000, loader: loaderCpuSeconds(), ...plane.cpu() },
    memory: process.memoryUsage.rss(),
    running: process.uptime(),
  });
}
