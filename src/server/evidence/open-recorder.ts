/** Opens the recorder of a server that answers. */
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import { systemClock } from '../../session/clock.js';
import { threadCpu } from '../process/thread-cpu.js';
import type { Server } from '../server.js';
import { loaderCpuSeconds } from '../zones/load-zones.js';
import { countedCells } from './counted-cells.js';
import { Recorder } from './recorder.js';

/** Name of the table in the state. */
const TABLE = 'report';

/** undefined: nothing is to be recorded. */
export function openRecorder(server: Server, { report, hostname: name }: Config, log: Log): Recorder | undefined {
  if (!report.enabled) return undefined;
  const { plane, stored } = server;
  const counted = () =>
    countedCells(plane.counters(), {
      cpu: { control: (threadCpu(process.pid) || 0) / 1000, loader: loaderCpuSeconds(), ...plane.cpu() },
      memory: process.memoryUsage.rss(),
      running: process.uptime(),
    });
  return new Recorder({
    counted,
    days: plane.days,
    table: stored?.table(TABLE),
    server: name ?? hostname(),
    clock: systemClock,
    log,
  });
}
