/** The transfer thread: runs the secondary zones, so that reading a large one never keeps the control thread waiting. */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../../session/clock.js';
import { nameThread } from '../../transport/thread-name.js';
import { lowerPriority } from '../process/thread-priority.js';
import { LoaderLane } from '../zones/jobs/loader-lane.js';
import { elapsedTime } from './elapsed-time.js';
import { resolverOf } from './resolve-remote.js';
import type { SecondaryHost } from './secondary-host.js';
import { SecondaryService } from './secondary-service.js';
import { Calls, type HostCall, type ServiceCall } from './service-calls.js';
import { collectGarbage, TransferLitter } from './transfer-litter.js';

nameThread('adotd-transfer');
lowerPriority();
if (parentPort === null) throw new Error('the transfer thread was started as a program');
const calls = new Calls<HostCall, ServiceCall>(parentPort, answer);
const host: SecondaryHost = {
  image: (zone) => calls.send({ call: 'image', zone }) as Promise<Uint8Array | undefined>,
  adopt: async (zone, version) => void (await calls.send({ call: 'adopt', zone, version })),
  confirm: async (zone, facts) => void (await calls.send({ call: 'confirm', zone, facts })),
  expire: async (zone) => void (await calls.send({ call: 'expire', zone })),
  renew: async (zone) => void (await calls.send({ call: 'renew', zone })),
  log: (level, fields, text) => void calls.send({ call: 'log', level, fields, text }),
};
let resolve = resolverOf([]);
const service = new SecondaryService(host, {
  clock: systemClock,
  lane: new LoaderLane(systemClock, true),
  resolve: (name) => resolve(name),
  elapsed: elapsedTime(),
  litter: new TransferLitter(systemClock, collectGarbage),
});

async function answer(order: ServiceCall): Promise<unknown> {
  switch (order.call) {
    case 'configure':
      resolve = resolverOf(order.settings.resolver);
      return service.configure(order.settings);
    case 'notify':
      return service.notify(order.zone, order.primary, order.serial);
    case 'transfer':
      return await service.transfer(order.zone, order.isFull);
    case 'status':
      return service.status(order.zone);
    case 'counts':
      return service.counts;
    case 'close':
      return service.close();
  }
}
