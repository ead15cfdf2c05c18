import { mkdirSync, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../state/open-store.js';
import { imageOf } from '../../state/stored.js';
import { adotd, adotdServe } from '../../support/cli.js';

const ZONE = 'example.test.';

/** A folder with a state in it, and the path of a file that is not there yet. */
async function stateFolder(): Promise<{ folder: string; state: string; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-ctl-state-'));
  const state = join(folder, 'state');
  const { store } = await openStore(state);
  await store.commit(ZONE, { generation: imageOf(ZONE, 5), facts: { role: 'secondary' } });
  await store.close();
  return { folder, state, file: join(folder, 'backup') };
}

describe('adotd ctl state', () => {
  it('exports the state of a stopped server into a file for its user only, and imports it elsewhere', async () => {
    const { folder, state, file } = await stateFolder();
    expect(await adotd('ctl', 'state', 'export', file, '--folder', state)).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const other = join(folder, 'other');
    const words = ['ctl', 'state', 'import', file, '--folder', other, '--above', 'Example.test=6'];
    expect(await adotd(...words)).toMatchObject({
      status: 0,
      stderr: `1 zone and 0 values imported into ${other}; serials raised: example.test.\n`,
    });
    const { store } = await openStore(other);
    expect(store.zone(ZONE)).toMatchObject({ serial: 7, facts: { role: 'secondary' } });
  });

  it('takes the folder of a configuration, and prints to standard output', async () => {
    const { folder, state } = await stateFolder();
    mkdirSync(join(folder, 'zones'));
    const config = join(folder, 'adotd.yaml');
    writeFileSync(config, `zones: { folder: zones }\nstate: { folder: ${state} }\n`);
    const { status, stdout } = await adotd('ctl', 'state', 'export', '-', '--config', config);
    expect([status, stdout.split('\n')[0]]).toEqual([0, '{"adotd":"state","format":1}']);
  });

  it('says what is wrong', async () => {
    const { folder, state, file } = await stateFolder();
    const missing = join(folder, 'missing');
    expect(await adotd('ctl', 'state', 'export', file, '--folder', missing)).toMatchObject({
      status: 1,
      stderr: `adotd: state ${missing}: no such folder: nothing is to be exported [ADOTD_STATE]\n`,
    });
    expect((await adotd('ctl', 'state', 'import', missing, '--folder', join(folder, 'new'))).stderr).toBe(
      `adotd: cannot read ${missing}: no such file or directory [ADOTD_FILE]\n`,
    );
    expect(await adotd('ctl', 'state', 'export')).toMatchObject({ status: 2 });
    expect(await adotd('ctl', 'state', 'restore', file)).toMatchObject({ status: 2 });
    const above = await adotd('ctl', 'state', 'import', file, '--folder', state, '--above', 'example.test');
    expect(above.status).toBe(2);
    const { store } = await openStore(state);
    expect(store.zone(ZONE)?.serial).toBe(5);
    expect((await adotd('ctl', 'state', 'export', file, '--folder', state)).stderr).toContain(
      'another adotd uses this folder; stop it',
    );
  });

  it('accept-loss has zones served as they are stored, once, after a part of the ledger was lost', async () => {
    const { folder, state } = await stateFolder();
    const words = ['ctl', 'state', 'accept-loss', '--folder', state];
    expect(await adotd(...words)).toMatchObject({
      status: 0,
      stdout: '',
      stderr: `${state} has no loss that is not settled\n`,
    });
    const ledger = join(state, 'ledger-1');
    const { size } = statSync(ledger);
    {
      const { store } = await openStore(state);
      await store.commit('lost.test.', { generation: imageOf('lost.test.', 1) });
      await store.close();
    }
    // The end of the ledger is gone, of which `mark` says that it was there.
    truncateSync(ledger, size);
    const ran = await adotd(...words);
    expect(ran).toMatchObject({ status: 0, stdout: `${ZONE}\n` });
    expect(ran.stderr).toContain('1 zone is served as stored from the next start on');
    const { store, said } = await openStore(state);
    expect([said, store.loss]).toEqual([[], undefined]);
    expect(await store.read(ZONE)).toMatchObject({ kind: 'content', serial: 5 });
    expect(await adotd(...words)).toMatchObject({ status: 1 });
    await store.close();
    expect(await adotd(...words, 'example.test')).toMatchObject({ status: 2 });
    expect((await adotd('ctl', 'state', 'accept-loss', '--folder', join(folder, 'no'))).stderr).toContain(
      'no such folder: nothing is lost there',
    );
  });

  it('accept-file has a running server take the file of a zone for what it cannot read', async () => {
    const { folder, state } = await stateFolder();
    mkdirSync(join(folder, 'zones'));
    const zone = join(folder, 'zones', 'example.test.zone');
    writeFileSync(zone, '@ 60 SOA ns host 9 7200 900 1209600 300\n@ 60 NS ns\nns 60 A 127.0.0.1\n');
    const ledger = join(state, 'ledger-1');
    writeFileSync(ledger, Buffer.alloc(readFileSync(ledger).length));
    const config = join(folder, 'adotd.yaml');
    const socket = join(folder, 'socket');
    writeFileSync(
      config,
      JSON.stringify({
        listen: ['127.0.0.1'],
        port: 0,
        tls: { enabled: false },
        zones: {
          folder: 'zones',
          policies: [
            {
              zones: ['example.test'],
              update: [{ key: 'k.', allow: [{ subdomain: 'example.test', types: ['TXT'] }] }],
            },
          ],
        },
        tsig: [{ name: 'k.', algorithm: 'hmac-sha256', secret: Buffer.alloc(32).toString('base64') }],
        state: { folder: 'state' },
        control: { socket },
      }),
    );
    await using _server = await adotdServe('--config', config);
    const ctl = (...words: string[]) => adotd('ctl', '--socket', socket, ...words);
    expect((await ctl('zone-status', 'example.test')).stdout).toContain('may be lost');
    expect(await ctl('state', 'accept-file', 'example.test')).toMatchObject({ status: 0, stderr: '' });
    expect(await ctl('zone-status', 'example.test')).toMatchObject({ status: 0 });
  });
});
