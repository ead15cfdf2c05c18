/** Our client library asks other servers many queries in one moment: NSD and dnsdist answer one query of a TLS record. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, createClient } from '../../src/client/index.js';
import { startDnsdist } from '../support/peers/dnsdist.js';
import { startNsd } from '../support/peers/nsd.js';
import { freePort, LOOPBACK, type Peer } from '../support/peers/server.js';
import { missingTools } from '../support/peers/tools.js';
import { make } from '../tls/support.js';
import { FOLDER } from './support.js';

const ZONE = 'burst.test';
const MANY = 20;
const folder = join(FOLDER, 'bursts');
const missing = missingTools(['nsd', 'dnsdist']);

describe.skipIf(missing)(`twenty queries of one moment${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const peers: Peer[] = [];
  let pin = '';
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const made = await make({ names: [`ns1.${ZONE}`] });
    const put = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const tls = { cert: put('peer.pem', made.cert), key: put('peer.key', made.key) };
    const key = new X509Certificate(made.cert).publicKey.export({ type: 'spki', format: 'der' });
    pin = createHash('sha256').update(key).digest('base64');
    const names = Array.from({ length: MANY }, (_, i) => `n${i} A 192.0.2.${i}`);
    const file = put(
      'zone',
      `$ORIGIN ${ZONE}.\n$TTL 300\n@ SOA ns1 h 1 1 1 1 1\n@ NS ns1\nns1 A 127.0.0.1\n${names.join('\n')}\n`,
    );
    const nsd = await startNsd(join(folder, 'nsd'), [{ name: ZONE, file }], { port: await freePort(), ...tls });
    peers.push(nsd, await startDnsdist(join(folder, 'dnsdist'), nsd.port, { port: await freePort(), ...tls }));
  });
  afterAll(() => Promise.all(peers.map((peer) => peer.stop())));

  it.each(['opportunistic', 'pre-deployed'] as const)('are answered over TLS, all of them (%s)', async (profile) => {
    const options: ClientOptions =
      profile === 'opportunistic' ? {} : { profile, verification: { kind: 'pin', pins: [pin] } };
    for (const { port, tlsPort = 0 } of peers) {
      await using client = createClient(options);
      const server = { address: LOOPBACK, port, tlsPort };
      const ask = () =>
        Promise.all(
          Array.from({ length: MANY }, (_, i) => client.resolve({ server, name: `n${i}.${ZONE}`, type: 'A' })),
        );
      // The first burst waits for the session, the second has one.
      for (const burst of [await ask(), await ask()])
        expect(
          burst.map(({ transport, downgraded, attempts, message: { answers } }, i) => [
            transport,
            downgraded,
            attempts,
            answers.map(({ data }) => data),
            i,
          ]),
        ).toEqual(burst.map((_, i) => ['tls', false, [], [`192.0.2.${i}`], i]));
    }
  });
});
