/** Opens the recorder of a server that answers. */
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import { systemClock } from '../../session/clock.js';
import type { Server } from '../server.js';
import { cellsNow } from './cells-now.js';
import { Recorder } from './recorder.js';

/** Name of the table in the state. */
const TABLE = 'report';

/** undefined: nothing is to be recorded. */
export function openRecorder(server: Server, { report, hostname: name }: Config, log: Log): Recorder | undefined {
  if (!report.enabled) return undefined;
  const { plane, stored } = server;
  return new Recorder({
    counted: () => cellsNow(server),
    days: plane.days,
    table: stored?.table(TABLE),
    server: name ?? hostname(),
    clock: systemClock,
    log,
  });
}
