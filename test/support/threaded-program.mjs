// Serves as `adotd serve --config FILE` does, with threads that can be made to do wrong: a line `misbehave KIND NUMBER MISDEED` on
// standard input (`udp` or `stream`, from 0, a number of misdeed.mjs). SIGTERM, or the end of standard input, stops it.

import { createInterface } from 'node:readline';
import { readConfig } from '../../build/config/load.js';
import { createLog } from '../../build/observe/log.js';
import { checkPrivileges, giveUpPrivileges } from '../../build/server/process/privileges.js';
import { takeActivatedSockets } from '../../build/server/process/socket-activation.js';
import { createServer } from '../../build/server/server.js';
import { zonesOfConfig } from '../../build/server/zones/zone-files.js';
import { misbehavingWorkers } from './misbehaving-workers.mjs';

const config = readConfig(process.argv[2]);
const log = await createLog(config.log.level, config.log.format);
const identity = checkPrivileges(config, process.env);
const workers = misbehavingWorkers();
const server = await createServer({
  config,
  sockets: takeActivatedSockets(config, log),
  bound() {
    if (identity !== undefined) giveUpPrivileges(config, identity, log);
  },
  zones: () => zonesOfConfig(config),
  log,
  loader: { thread: true },
  spawn: workers.spawn,
});
process.stdout.write('ready\n');

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const [verb, kind, number, misdeed] = line.split(' ');
  if (verb === 'misbehave') workers.misbehave(kind, Number(number), Number(misdeed));
});
orders.on('close', () => void server.close());
process.on('SIGTERM', () => orders.close());
