// Reports the next timer of an event loop that has no others.
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { libc } from '../../build/transport/libc.js';

const system = libc();
const found = {};
found.none = system.nextTimer();
for (const milliseconds of [60_000, 700, 30_000]) setTimeout(() => {}, milliseconds).unref();
found.earliest = system.nextTimer();
await turn();
found.fromImmediate = system.nextTimer();
parentPort.postMessage(found);
