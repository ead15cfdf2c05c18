/**
 * Hostile connections without a test around them, for a tool that watches memory, and in any number:
 *
 *     node scripts/run-ts.mjs test/tls/openssl/assault.ts 1000000
 *     valgrind --smc-check=all-non-file --undef-value-errors=no node --jitless .build/test/tls/openssl/assault.js 500 [SEED]
 */
import { assault } from './hostile.js';
import { MemoryServer, settingsWith, visitNode } from './support.js';

const [count = 1000, seed = Math.floor(Math.random() * 2 ** 32)] = process.argv.slice(2).map(Number);
console.log(`${count} connections, seed ${seed}`);
using server = new MemoryServer(settingsWith());
const events = await assault(server, seed, count, async (settings) => void (await visitNode(settings)));
const { open, leftovers, callbackMistakes } = server.engine.counts;
console.log({ open, leftovers, callbackMistakes, secured: events.secured, plaintext: events.plaintext });
if (open + leftovers + callbackMistakes > 0) process.exitCode = 1;
