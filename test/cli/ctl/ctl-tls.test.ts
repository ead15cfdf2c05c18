import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLog } from '../../../src/observe/log.js';
import { controlServer } from '../../../src/server/control/control.js';
import { listenOnSocket } from '../../../src/server/control/control-socket.js';
import { controlTarget, STATUS } from '../../server/control/control-support.js';
import { runCommand } from '../../support/run-command.js';
import { temporaryFolder } from '../../tls/support.js';

it('tls switch says what is served from now on, and fails when no key waits; status says what keys wait for', async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, 'control');
  let pins: string[] = ['ab'.repeat(32)];
  const [name, pin] = ['ns1.example.', pins[0]!];
  const keysWaiting = [
    { name, pin, waitsFor: 'zone', until: undefined, behind: [] },
    { name, pin, waitsFor: 'secondaries', until: undefined, behind: ['second 192.0.2.1:53: serial 7'] },
    { name, pin, waitsFor: 'time', until: Math.floor(Date.now() / 1000) + 7230, behind: [] },
  ] as const;
  const target = controlTarget({ switchKeys: async () => pins, status: () => ({ ...STATUS, keysWaiting }) });
  const server = controlServer(target, silentLog);
  await listenOnSocket(server, socket);
  const ctl = (...words: string[]) => runCommand('ctl', '--socket', socket, ...words);
  try {
    expect(await ctl('tls', 'switch')).toMatchObject({ status: 0, stdout: expect.stringContaining(pin) });
    expect(JSON.parse((await ctl('tls', 'switch', '--json')).stdout)).toEqual({ pins });
    pins = [];
    expect(await ctl('tls', 'switch')).toMatchObject({ status: 1, stdout: 'no key waits: nothing has changed\n' });
    expect(await ctl('tls', 'swap')).toMatchObject({ status: 2, stderr: expect.stringContaining('expected switch') });
    const waits = (await ctl('status')).stdout.split('\n').filter((line) => line.startsWith('key waits'));
    expect(waits.map((line) => line.replace(/^key waits +/, ''))).toEqual([
      'ns1.example. abababababababab…: until its zone has the TLSA record',
      'ns1.example. abababababababab…: until all secondaries show the TLSA record: second 192.0.2.1:53: serial 7',
      expect.stringMatching(/^ns1\.example\. abababababababab…: for another 2 h: resolvers may have an answer without/),
    ]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
