// As root in a network namespace: binds port 53, becomes the user that the first argument names (JSON: user, group), and says what
// is then possible. Ends with standard input.

import { pbkdf2 } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { configSchema } from '../../build/config/schema.js';
import { checkPrivileges, giveUpPrivileges, rootWarning } from '../../build/server/process/privileges.js';
import { describeSocket, duplicateSocket, openTcpSocket, openUdpSocket } from '../../build/transport/sockets.js';

const attempt = (what) => {
  try {
    return what() ?? 'done';
  } catch (error) {
    return error.message;
  }
};

const config = configSchema.parse(JSON.parse(process.argv[2]));
const tell = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);
// Threads of the pool, and one that waits in a call of its own, must change with the others.
await promisify(pbkdf2)('', '', 1, 1, 'sha256');
const before = new Worker('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', { eval: true });
await once(before, 'online');

const udp = { reusePort: true, receiveBuffer: 16_777_216, sendBuffer: 65_536 };
const endpoint = { address: '127.0.0.1', port: 53 };
try {
  const identity = checkPrivileges(config, process.env);
  const socket = openUdpSocket(endpoint, udp);
  openTcpSocket(endpoint, { reusePort: true, fastOpen: 0 }, 'tcp');
  if (identity === undefined) {
    tell({ identity: null, warning: rootWarning(config) });
  } else {
    const lines = [];
    const line = (_fields, text) => void lines.push(text);
    giveUpPrivileges(config, identity, { info: line, warn: line });
    const after = new Worker('setInterval(() => {}, 1000)', { eval: true });
    await once(after, 'online');
    tell({
      identity,
      lines,
      served: describeSocket(duplicateSocket(socket.fd)),
      another: attempt(() => openUdpSocket({ ...endpoint, address: '127.0.0.2' }, udp)),
      root: attempt(() => process.setuid(0)),
      write: attempt(() => {
        mkdirSync(config.tls.certs_folder, { recursive: true });
        writeFileSync(`${config.tls.certs_folder}/new`, '');
      }),
    });
  }
} catch (error) {
  tell({ code: error.code, message: error.message });
}
process.stdin.resume().once('end', () => process.exit());
