// Serves as `adotd serve --config FILE` does, with threads that can be made to do wrong: a line `misbehave KIND NUMBER MISCHIEF` on
// standard input (`udp` or `stream`, from 0, a value of Mischief). SIGTERM, or the end of standard input, stops it.

import { createInterface } from 'node:readline';
import { readConfig } from '../../build/config/load.js';
import { createLog } from '../../build/observe/log.js';
import { checkPrivileges, giveUpPrivileges } from '../../build/server/process/privileges.js';
import { takeActivatedSockets } from '../../build/server/process/socket-activation.js';
import { createServer } from '../../build/server/server.js';
import { zonesOfConfig } from '../../build/server/zones/zone-files.js';

const config = readConfig(process.argv[2]);
const log = await createLog(config.log.level, config.log.format);
const identity = checkPrivileges(config, process.env);
const server = await createServer({
  config,
  sockets: takeActivatedSockets(config, log),
  bound() {
    if (identity !== undefined) giveUpPrivileges(config, identity, log);
  },
  zones: () => zonesOfConfig(config),
  log,
  loader: { thread: true },
});
process.stdout.write('ready\n');

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const [verb, kind, number, mischief] = line.split(' ');
  if (verb === 'misbehave') server.plane.misbehave(kind, Number(number), Number(mischief));
});
orders.on('close', () => void server.close());
process.on('SIGTERM', () => orders.close());
