/**
 * One process with one server, as a test has it: prints its milliseconds and its memory, as JSON. Arguments: `adotd`,
 * `no-tls` or `empty`; the transport that is asked; for `empty`, a certificate and its key.
 */
import type { Transport } from './fixture-client.js';

const [kind, transport = 'udp', cert = '', key = ''] = process.argv.slice(2);

const began = performance.now();
const start = await loaded();
const imported = performance.now();
const server = await start();
const started = performance.now();
// Its time is not the server's.
const { askOnce } = await import('./fixture-client.js');
const asking = performance.now();
await askOnce(server, transport as Transport);
const answered = performance.now();
await server.close();
console.log(
  JSON.stringify({
    import: imported - began,
    start: started - imported,
    answer: started - imported + (answered - asking),
    stop: performance.now() - answered,
    resident: process.memoryUsage.rss() / 2 ** 20,
  }),
);

async function loaded() {
  if (kind === 'empty') {
    const { startEmptyServer } = await import('./fixture-empty.js');
    return () => startEmptyServer(cert, key);
  }
  const { startServer } = await import('../../src/index.js');
  return () => startServer({ zones: { 'example.test': 'www A 192.0.2.1' }, tls: kind !== 'no-tls' });
}
