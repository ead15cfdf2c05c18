/** Puts the conformance cases to NSD, Knot and BIND, and prints the differences. `[AREA/FILE]`: only these files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askTcp, askUdp } from '../support/ask.js';
import { startBind } from '../support/peers/bind.js';
import { startKnot } from '../support/peers/knot.js';
import { startNsd } from '../support/peers/nsd.js';
import type { Peer } from '../support/peers/server.js';
import { type Case, queryOf } from './case.js';
import { allCases, zoneFile } from './files.js';
import { judge } from './judge.js';

/** Milliseconds to wait for an answer: peers may be silent. */
const PATIENCE = 500;

async function complaints(peer: Peer, origin: string, which: Case): Promise<string[]> {
  const query = queryOf(which.query, origin, Math.floor(Date.now() / 1000));
  const server = { port: peer.port, host: peer.address };
  const wrong: string[] = [];
  for (const transport of ['udp', 'tcp'] as const) {
    const ask = transport === 'udp' ? askUdp : askTcp;
    const response = await ask(server, query, PATIENCE).catch(() => undefined);
    try {
      wrong.push(...judge(which, transport, origin, query, response).map((text) => `${transport}: ${text}`));
    } catch (error) {
      wrong.push(`${transport}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return wrong;
}

const folder = mkdtempSync(join(tmpdir(), 'adotd-peers-'));
try {
  for (const { title, origin, zones, cases } of allCases()) {
    if (!title.includes(process.argv[2] ?? '')) continue;
    const served = zones.map((zone) => ({ name: zone === 'root' ? '.' : zone, file: zoneFile(zone) }));
    const starting = [startNsd, startKnot, startBind];
    const peers: Peer[] = [];
    for (const start of starting) {
      peers.push(await start(join(folder, `${title.replace('/', '-')}-${peers.length}`), served));
    }
    for (const which of cases.filter(({ over }) => !over)) {
      const all: string[] = [];
      let against = 0;
      for (const peer of peers) {
        const wrong = await complaints(peer, origin, which);
        if (wrong.length > 0) against++;
        all.push(...wrong.map((text) => `    ${peer.name}: ${text}`));
      }
      if (against > 0) console.log(`${against}/3 ${title}: ${which.name}: ${which.query}\n${all.join('\n')}`);
    }
    await Promise.all(peers.map((peer) => peer.stop()));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
