/**
 * `KILLS [SEED [signing]]`: kills servers under load so many times, in worlds with BIND and with Knot in turns, or with `signing` one that signs zones
 * and rolls their keys; exit status 1 at the first fault.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killServers } from './crash-rounds.js';
import { startWorld } from './crash-world.js';
import { killSigner } from './signing/crash-signer.js';

const [kills = '1000', seed = String(Date.now() % 1_000_000), kind] = process.argv.slice(2);
/** Kills in one world: then the state folders are new again. */
const IN_WORLD = 100;
console.log(`seed ${seed}, ${kills} kills`);
const total = { kills: 0, acknowledged: 0, transfers: 0 };

/** Kills a server that signs, in one world. */
async function killSigning(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-crash-'));
  const { wrong, tally } = await killSigner(folder, {
    count: Number(kills),
    seed: Number(seed),
    progress: (done) => done.kills % 10 === 0 && console.log(JSON.stringify(done)),
  });
  console.log(JSON.stringify(tally));
  for (const fault of wrong) console.log(fault);
  if (wrong.length > 0) process.exitCode = 1;
  else rmSync(folder, { recursive: true });
}

if (kind === 'signing') await killSigning();
else await killAll();

async function killAll(): Promise<void> {
  for (let world = 0; total.kills < Number(kills); world++) {
    const folder = mkdtempSync(join(tmpdir(), 'adotd-crash-'));
    await using servers = await startWorld({ folder, peer: world % 2 === 0 ? 'BIND' : 'Knot' });
    const count = Math.min(IN_WORLD, Number(kills) - total.kills);
    const { wrong, tally } = await killServers(servers, { count, seed: Number(seed) + world });
    total.kills += tally.kills;
    total.acknowledged += tally.acknowledged;
    total.transfers += tally.transfers;
    console.log(
      `${servers.peer.name}: ${total.kills} kills, ${total.acknowledged} changes acknowledged, ${total.transfers} transfers whole`,
    );
    for (const fault of wrong) console.log(fault);
    if (wrong.length > 0) {
      console.log(`${folder}\n${servers.primary.log}\n${servers.secondary.log}`);
      process.exitCode = 1;
      break;
    }
    rmSync(folder, { recursive: true });
  }
}
