import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { type OpenSsl, openSsl } from '../../../src/tls/openssl/functions.js';
import { SEED } from '../../support/seed.js';
import { assault } from './hostile.js';
import { MemoryServer, settingsWith, visitNode } from './support.js';

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
const library = openSsl() as OpenSsl;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const FIELDS = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'usmblks',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
];
koffi.struct('mallinfo2', Object.fromEntries(FIELDS.map((name) => [name, 'size_t'])));
const mallinfo2 = koffi.load(null).func('mallinfo2 mallinfo2()') as () => Record<string, number>;

/** Octets that C has allocated. */
async function allocated(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { uordblks = 0, hblkhd = 0 } = mallinfo2();
  return uordblks + hblkhd;
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
/** With ADOTD_CONNECTIONS more of them than these. */
const CONNECTIONS = Number(process.env.ADOTD_CONNECTIONS ?? 20_000);
/** As many as bring to life what is allocated once. Measured: nothing is added from 20,000 on. */
const FIRST = 5000;
/** Octets for each connection above which something is lost: a connection has some 9,000. */
const LOSS = 60;

it(`loses nothing to ${CONNECTIONS} hostile connections, and disturbs nothing else in the thread`, async () => {
  using server = new MemoryServer(settingsWith());
  const run = (from: number, count: number) =>
    assault(server, from, count, async (settings) => {
      const signature = createSign('sha256').update('text').sign(privateKey);
      expect(createVerify('sha256').update('text').verify(publicKey, signature)).toBe(true);
      expect((await visitNode(settings)).back).toBe('hello');
    });
  await run(SEED + 1, FIRST);
  const before = await allocated();
  const events = await run(SEED, CONNECTIONS - FIRST);
  const said = `seed ${SEED}`;
  const lost = (await allocated()) - before;
  console.log(`${said}: ${(lost / (CONNECTIONS - FIRST)).toFixed(1)} octets a connection are more`);
  expect(server.engine.counts, said).toMatchObject({ open: 0, leftovers: 0, callbackMistakes: 0 });
  expect(library.ERR_peek_error(), said).toBe(0);
  expect(lost / (CONNECTIONS - FIRST), said).toBeLessThan(LOSS);
  // They got as far as they should.
  for (const name of ['secured', 'plaintext', 'closed']) expect(events[name], `${said}: ${name}`).toBeGreaterThan(100);
  expect(Object.keys(events).length, said).toBeGreaterThan(20);
  // And an honest client is served.
  server.answer = (octets, served) => void served.write(octets);
  expect((await server.visit()).back).toBe('hello');
}, 3_600_000);
