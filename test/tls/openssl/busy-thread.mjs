// A thread that serves TLS to clients of its own, in memory, until it is ended: by a message it ends in order, by terminate() anywhere, callbacks
// of OpenSSL among it. It posts how many connections have been served now and then.
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import { addressOf } from '../../../build/native/memory.js';
import { createTlsEngine } from '../../../build/tls/openssl/engine.js';
import { TlsRead } from '../../../build/tls/openssl/turn.js';

const engine = createTlsEngine(workerData.settings, workerData.pointers);
if (typeof engine === 'string') throw new Error(engine);
const octets = new Uint8Array(new SharedArrayBuffer(32_768));
const address = addressOf(octets, octets);
let served = 0;
let stopped = false;

function begin() {
  const handle = engine.open();
  let freed = false;
  if (handle < 0) throw new Error('no room');
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      octets.set(chunk);
      if (!engine.begin(handle, address, chunk.length)) throw new Error('refused');
      for (let found; (found = engine.read(handle)) > 0 || found === TlsRead.SECURED; ) {
        if (found <= 0) continue;
        octets.set(engine.plaintext.subarray(0, found));
        engine.write(handle, address, found);
      }
      for (let taken; !freed && (taken = engine.output(handle)) > 0; ) {
        stream.push(Buffer.from(engine.outgoing.subarray(0, taken)));
      }
      if (!freed && !engine.finish(handle)) throw new Error('left');
      done();
    },
  });
  const client = connect({ socket: stream, rejectUnauthorized: false, ALPNProtocols: ['dot'], servername: 'ns.test' });
  client.on('error', () => {});
  client.once('secureConnect', () => client.write('hello'));
  client.once('data', () => {
    served++;
    if (served % 20 === 0) parentPort.postMessage({ served, counts: engine.counts });
    // Some stay open, as those of a server do.
    if (served % 3 !== 0 || engine.counts.open < 30) client.destroy();
    if (served % 3 === 0) {
      freed = true;
      engine.free(handle);
    }
    if (!stopped) setImmediate(begin);
  });
}

parentPort.once('message', () => {
  stopped = true;
  engine.close();
  parentPort.postMessage({ served, closed: true });
  process.exit();
});
for (let i = 0; i < 8; i++) begin();
