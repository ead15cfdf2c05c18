import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/observe/log.js';
import { controlServer } from '../../../src/server/control/control.js';
import { listenOnSocket } from '../../../src/server/control/control-socket.js';
import type { ReloadRequest } from '../../../src/server/zones/zone-loader.js';
import { NO_SESSIONS } from '../../../src/session/session-report.js';
import { controlTarget, OUTCOME, serveControl, ZONE } from './control-support.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
const path = join(folder, 'control');
const calls: unknown[] = [];
let pieces: string[] = [];
let taken = 0;

function* dump(): Generator<string> {
  for (const piece of pieces) {
    taken++;
    yield piece;
  }
}

serveControl(path, () => {
  const target = controlTarget({
    dump: (name) => (name === 'a.test.' ? dump() : undefined),
    drain: (seconds) => void calls.push(['drain', seconds]),
    sessions: async (longest) => {
      calls.push(['sessions', longest]);
      return NO_SESSIONS;
    },
    onReload: (asked: ReloadRequest) => void calls.push(['reload', asked]),
    statistics: () => {
      throw new Error('secret of the house');
    },
  });
  return target;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  calls.length = 0;
  taken = 0;
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

async function ask(method: string, url: string, body?: string): Promise<Answer> {
  const asked = request({ socketPath: path, method, path: url, agent: false });
  asked.on('error', () => undefined);
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, body: text, headers: response.headers };
}

/** The value once it has stayed the same for 100 turns of the event loop, each of which would take a piece more. */
async function settled(read: () => number): Promise<number> {
  let value = read();
  for (let turns = 0; turns < 100; turns++) {
    await nextTurn();
    if (read() !== value) turns = 0;
    value = read();
  }
  return value;
}

describe('the control interface', () => {
  it('says what the server is, and what it serves', async () => {
    const { status, body } = await ask('GET', '/status');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ state: 'ready', zones: { served: 1 } });
    expect(JSON.parse((await ask('GET', '/zones')).body)).toEqual([ZONE]);
    // Letter case and the last dot do not matter.
    for (const name of ['a.test', 'a.test.'])
      expect(JSON.parse((await ask('GET', `/zones/${name}`)).body)).toEqual(ZONE);
  });

  it('carries out what it is asked', async () => {
    await ask('POST', '/reload');
    await ask('POST', '/reload', '{"zone":"A.test"}');
    await ask('POST', '/reload', '{"allow_empty":true}');
    await ask('POST', '/drain', '{"seconds":2.5}');
    await ask('POST', '/drain');
    await ask('GET', '/sessions?longest=3');
    expect(calls).toEqual([
      ['reload', {}],
      ['reload', { zone: 'A.test.' }],
      ['reload', { allowEmpty: true }],
      ['drain', 2.5],
      ['drain', undefined],
      ['sessions', 3],
    ]);
    expect(JSON.parse((await ask('POST', '/log-level', '{"level":"debug"}')).body)).toEqual({
      before: 'info',
      level: 'debug',
    });
  });

  it.each([
    ['GET', '/', undefined, 404, 'NOT_FOUND'],
    ['GET', '/status/more', undefined, 404, 'NOT_FOUND'],
    ['GET', '/__proto__', undefined, 404, 'NOT_FOUND'],
    ['DELETE', '/status', undefined, 405, 'METHOD'],
    ['GET', '/reload', undefined, 405, 'METHOD'],
    ['constructor', '/status', undefined, 400, undefined],
    ['GET', '/zones/b.test', undefined, 404, 'NO_ZONE'],
    ['GET', '/zones/b.test/text', undefined, 404, 'NO_ZONE'],
    ['GET', '/zones/a.test/image', undefined, 404, 'NOT_FOUND'],
    ['GET', '/zones/a..test', undefined, 400, 'ADOTD_PRESENTATION'],
    ['GET', '/zones/%zz', undefined, 400, 'BAD_REQUEST'],
    ['GET', '/sessions?longest=-1', undefined, 400, 'BAD_REQUEST'],
    ['POST', '/reload', '{"zone":1}', 400, 'BAD_REQUEST'],
    ['POST', '/reload', '{"zones":"a.test"}', 400, 'BAD_REQUEST'],
    ['POST', '/reload', 'no json', 400, 'BAD_REQUEST'],
    ['POST', '/drain', '{"seconds":-1}', 400, 'BAD_REQUEST'],
    ['POST', '/log-level', '{"level":"loud"}', 400, 'BAD_REQUEST'],
    ['POST', '/reload', `"${'x'.repeat(200_000)}"`, 413, 'TOO_LARGE'],
    ['GET', '/statistics', undefined, 500, 'INTERNAL'],
  ])('answers %s %s with an error', async (method, url, body, status, code) => {
    const answer = await ask(method, url, body);
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(JSON.parse(answer.body).error.code).toBe(code);
    expect(answer.body).not.toContain('secret');
    expect(calls).toEqual([]);
  });

  it('sends the text of a zone as fast as it is read, and no faster', async () => {
    pieces = Array.from({ length: 2000 }, (_, i) => `${i} `.padEnd(32_768, '.'));
    const asked = request({ socketPath: path, path: '/zones/a.test/text', agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toMatch('text/dns');
    expect(await settled(() => taken)).toBeLessThan(200);
    let octets = 0;
    for await (const chunk of response) octets += Buffer.isBuffer(chunk) ? chunk.length : 0;
    expect(octets).toBe(2000 * 32_768);
  });

  it('takes nothing more of a zone when its reader is gone', async () => {
    pieces = Array.from({ length: 2000 }, () => 'x'.repeat(32_768));
    const asked = request({ socketPath: path, path: '/zones/a.test/text', agent: false });
    asked.on('error', () => undefined).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.on('error', () => undefined).destroy();
    expect(await settled(() => taken)).toBeLessThan(2000);
  });

  it('survives what is no HTTP', async () => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.write('\0\x01\x02 nonsense\r\n\r\n');
    await once(socket.resume(), 'close');
    expect((await ask('GET', '/status')).status).toBe(200);
  });
});

describe('a request that takes its time', () => {
  it('is told from a server that hangs: by HTTP/1.1, which has interim responses', async () => {
    const finish: (() => void)[] = [];
    const reload = () => new Promise<typeof OUTCOME>((resolve) => finish.push(() => resolve(OUTCOME)));
    const slow = controlServer(controlTarget({ reload }), silentLog);
    await listenOnSocket(slow, join(folder, 'slow'));
    const post = (version: string) => {
      const peer = connect(join(folder, 'slow')).setEncoding('latin1');
      peer.write(`POST /reload HTTP/${version}\r\nHost: control\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`);
      let text = '';
      const two = new Promise<void>((resolve) => {
        peer.on('data', (chunk: string) => {
          text += chunk;
          if (text.split('102 Processing').length > 2) resolve();
        });
      });
      return { two, ended: once(peer, 'end').then(() => text) };
    };
    const [old, usual] = [post('1.0'), post('1.1')];
    await usual.two;
    for (const done of finish) done();
    expect(await usual.ended).toMatch(/^(HTTP\/1\.1 102 Processing\r\n\r\n){2,}HTTP\/1\.1 200 OK\r\n/);
    expect(await old.ended).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    slow.close();
  });
});
