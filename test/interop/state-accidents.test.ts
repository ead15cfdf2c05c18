/** A whole server whose disk is full, and one whose state is damaged: what it says, what it serves, and how it goes on. */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotdServe, type Serving, startBy } from '../support/cli.js';
import { until } from '../support/patience.js';
import { freePort } from '../support/peers/server.js';
import { serialAt } from './crash-load.js';
import { OWN, TAKEN, untilSerial, update, writeServer, zoneText } from './state-servers.js';
import { FOLDER } from './support.js';
import { transferred } from './zone-records.js';

const missing =
  process.env.CI === 'true' || spawnSync('unshare', ['--mount', 'true']).status === 0
    ? ''
    : 'no mount namespace can be made';

let primary: Serving;
let primaryZones: string;
let server: Awaited<ReturnType<typeof writeServer>>;
let serial = 1;

/** Writes another version of the zone that the server has from its primary. */
function publish(records: number): number {
  writeFileSync(join(primaryZones, 'new'), zoneText(records, ++serial));
  renameSync(join(primaryZones, 'new'), join(primaryZones, `${TAKEN}.zone`));
  return serial;
}

beforeAll(async () => {
  const written = await writeServer(join(FOLDER, 'primary'), undefined, await freePort());
  primaryZones = written.zones;
  primary = await adotdServe('--config', written.config, '--port', String(written.port));
  server = await writeServer(join(FOLDER, 'server'), written.port, 1);
});
afterAll(() => primary?.stop());

const namesOf = async (): Promise<string[]> => {
  const { records } = await transferred(server.port, OWN);
  return [...new Set(records.flatMap((text) => /^(added-[0-9]+)\./.exec(text)?.[1] ?? []))].sort();
};

describe.skipIf(missing)(`a full disk${missing && ` (${missing})`}`, () => {
  it('refuses changes and transfers in clear words, serves what was there, and goes on when there is room', async () => {
    const disk = join(server.state, '..');
    const mount = `mount -t tmpfs -o size=4m tmpfs '${disk}'; exec "$@"`;
    const words = ['--config', server.config, '--port', String(server.port)];
    await using running = await startBy(['unshare', '--mount', 'sh', '-ec', mount, 'sh'], ...words).ready();
    // The disk of the server's namespace.
    const inside = join('/proc', String(running.pid), 'root', disk);
    await untilSerial(server.port, TAKEN, 1);
    expect(await update(server.port, 'added-0')).toBe(0);
    fill(inside);
    const acknowledged = ['added-0'];
    let rcode: number | undefined = 0;
    for (let i = 1; rcode === 0 && i < 500; i++) {
      rcode = await update(server.port, `added-${i}`);
      if (rcode === 0) acknowledged.push(`added-${i}`);
    }
    expect(rcode).toBe(2);
    expect(await namesOf()).toEqual(acknowledged.sort());
    const later = publish(2500);
    const reason = /taken\.test[^\n]*no space left on device; make room on that disk/;
    await running.logged(reason);
    expect(await serialAt(server.port, TAKEN)).toBe(1);
    for (const name of readdirSync(inside)) if (name.startsWith('filler')) rmSync(join(inside, name));
    await until('room for changes', async () => (await update(server.port, 'added-last')) === 0);
    await untilSerial(server.port, TAKEN, later);
    expect(await namesOf()).toEqual(acknowledged.sort());
    expect((await transferred(server.port, OWN)).records.join()).toContain('added-last');
  });
});

function fill(folder: string): void {
  try {
    for (let i = 0; ; i++) writeFileSync(join(folder, `filler-${i}`), Buffer.alloc(4096));
  } catch {
    // It is full.
  }
}

describe('a damaged state', () => {
  it('is told, never an older zone; what comes from a primary comes again', async () => {
    const words = ['--config', server.config, '--port', String(server.port)];
    const sound = `${server.state}-sound`;
    const first = await adotdServe(...words);
    await untilSerial(server.port, TAKEN, serial);
    expect(await update(server.port, 'added-0')).toBe(0);
    const [own, taken] = [await transferred(server.port, OWN), await transferred(server.port, TAKEN)];
    await first.stop();
    cpSync(server.state, sound, { recursive: true });
    const files = readdirSync(sound, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).size > 0)
      .map(({ parentPath, name }) => join(parentPath, name).slice(sound.length + 1));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files)
      for (const kind of ['cut', 'flipped'] as const) {
        rmSync(server.state, { recursive: true });
        cpSync(sound, server.state, { recursive: true });
        damage(join(server.state, file), kind);
        await using running = await adotdServe(...words);
        const what = `${file} ${kind}: ${running.stderr()}`;
        await untilSerial(server.port, TAKEN, serial);
        expect((await transferred(server.port, TAKEN)).records, what).toEqual(taken.records);
        if ((await serialAt(server.port, OWN)) === undefined)
          expect(running.stderr(), what).toMatch(/"level":[45]0,[^\n]*own\.test/);
        else expect((await transferred(server.port, OWN)).records, what).toEqual(own.records);
      }
  });
});

function damage(path: string, kind: 'cut' | 'flipped'): void {
  const octets = readFileSync(path);
  const middle = octets.length >> 1;
  if (kind === 'cut') {
    truncateSync(path, middle);
    return;
  }
  octets[middle] = (octets[middle] ?? 0) ^ 4;
  writeFileSync(path, octets);
}
