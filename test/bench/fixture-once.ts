/** One process that starts one fixture, as a test does: prints its milliseconds as JSON. Arguments: [no-tls]. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:tls';

const began = performance.now();
const { startServer } = await import('../../src/index.js');
const imported = performance.now();
const server = await startServer({ zones: { 'example.test': 'www A 192.0.2.1' }, tls: process.argv[2] !== 'no-tls' });
const started = performance.now();
const socket = createSocket('udp4');
const query = Buffer.from('\x12\x67\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x04test\0\0\x01\0\x01', 'latin1');
socket.send(query, server.udp, server.address);
await once(socket, 'message');
const answered = performance.now();
socket.close();
let secured = answered;
if (server.tls > 0) {
  const secure = connect({ host: server.address, port: server.tls, ca: server.ca });
  await once(secure, 'secureConnect');
  secure.write(Buffer.concat([Buffer.from([0, query.length]), query]));
  await once(secure, 'data');
  secured = performance.now();
  secure.destroy();
}
const closing = performance.now();
await server.close();
console.log(
  JSON.stringify({
    import: imported - began,
    start: started - imported,
    answer: answered - started,
    tls: secured - answered,
    close: performance.now() - closing,
  }),
);
