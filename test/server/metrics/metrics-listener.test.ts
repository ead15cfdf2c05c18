import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { metricsEndpoint } from '../../../src/config/metrics.js';
import { AdotdError } from '../../../src/errors.js';
import type { ServerFacts } from '../../../src/observe/metrics/server-facts.js';
import { listenMetrics, type MetricsListener } from '../../../src/server/metrics/metrics-listener.js';
import { serverFacts } from '../../observe/input.js';

const open: MetricsListener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

interface Logged {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

async function listen(facts: () => ServerFacts = () => serverFacts(), address = '127.0.0.1') {
  const logged: Logged[] = [];
  const at = (level: Logged['level']) => (_: object, message: string) => void logged.push({ level, message });
  const log = { info: at('info'), warn: at('warn'), error: at('error') };
  const listener = await listenMetrics({
    report: () => undefined,
    endpoint: { address, port: 0 },
    zoneLimit: 10,
    facts,
    log,
  });
  open.push(listener);
  return { listener, logged, port: listener.endpoint.port };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(port: number, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Everything that comes back for octets sent as they are, until the connection is closed. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  let came = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (came += piece));
  socket.write(text);
  await once(socket, 'close');
  return came;
}

describe('metrics over HTTP', () => {
  it('are text, of what the server is at that moment', async () => {
    let state: ServerFacts['state'] = 'starting';
    const { port } = await listen(() => serverFacts({ state }));
    const first = await ask(port, '/metrics');
    expect(first.status).toBe(200);
    expect(first.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(first.body)),
    });
    expect(first.body).toContain('adotd_state{state="starting"} 1\n');
    state = 'ready';
    expect((await ask(port, '/metrics?x=1')).body).toContain('adotd_state{state="ready"} 1\n');
  });

  it('are OpenMetrics for who asks for it', async () => {
    const { port } = await listen();
    const { headers, body } = await ask(port, '/metrics', 'GET', { accept: 'application/openmetrics-text' });
    expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(body.endsWith('# EOF\n')).toBe(true);
  });

  it('have a head without a body', async () => {
    const { port } = await listen();
    const { status, headers, body } = await ask(port, '/metrics', 'HEAD');
    expect([status, body]).toEqual([200, '']);
    expect(Number(headers['content-length'])).toBeGreaterThan(1000);
  });

  it('that cannot be written are an error of ours, and the next ones are shown', async () => {
    let broken = true;
    const { port, logged } = await listen(() => {
      if (broken) throw new Error('facts are missing');
      return serverFacts();
    });
    expect(await ask(port, '/metrics')).toMatchObject({ status: 500 });
    expect(logged.at(-1)).toMatchObject({ level: 'error' });
    broken = false;
    expect(await ask(port, '/metrics')).toMatchObject({ status: 200 });
  });
});

describe('probes', () => {
  it.each([
    ['starting', 503, 'not ready: zones are being loaded\n'],
    ['ready', 200, 'ready\n'],
    ['draining', 503, 'not ready: draining\n'],
  ] as const)('say of a server that is %s whether it is ready; it is alive', async (state, status, body) => {
    const { port } = await listen(() => serverFacts({ state }));
    expect(await ask(port, '/readyz')).toMatchObject({ status, body });
    expect(await ask(port, '/readyz', 'HEAD')).toMatchObject({ status, body: '' });
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  });
});

describe('the listener', () => {
  it.each(['/', '/metrics/', '/Metrics', '/metrics/../healthz', '//metrics', '*', '/metrics%00'])(
    'does not know %j',
    async (path) => {
      const { port } = await listen();
      expect(await ask(port, path)).toMatchObject({ status: 404 });
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])('does not take %s', async (method) => {
    const { port } = await listen();
    const { status, headers } = await ask(port, '/metrics', method);
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
    expect(await ask(port, '/nowhere', method)).toMatchObject({ status: 404 });
  });

  it('takes targets in absolute form, and a connection for several requests', async () => {
    const { port } = await listen();
    const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const came = await raw(port, get('http://x/healthz') + get('/readyz', 'Connection: close\r\n'));
    expect(came.match(/^HTTP\/1\.1 200 OK/gm)).toHaveLength(2);
    expect(came).toMatch(/ok\n.*ready\n$/s);
  });

  it('throws away what a request has for a body', async () => {
    const { port } = await listen();
    const body = 'x'.repeat(100_000);
    const head = `POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await raw(port, head + body)).toMatch(/^HTTP\/1\.1 405 /);
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
  });

  it('closes on what is no HTTP, and on headers that are too long, and goes on', async () => {
    const { port } = await listen();
    expect(await raw(port, '\x16\x03\x01\x00\x28\x01rest\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(port, `GET /metrics HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
  });

  it('cuts off one whose request does not come', { timeout: 20_000 }, async () => {
    const { port } = await listen();
    const came = await raw(port, 'GET /metrics HTTP/1.1\r\nHost');
    expect(came).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('keeps no more connections than its limit, and serves again when some are gone', async () => {
    const { port } = await listen();
    const sockets = Array.from({ length: 64 }, () => connect({ port, host: '127.0.0.1' }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await expect(ask(port, '/healthz')).rejects.toThrow();
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => ask(port, '/healthz').catch(() => undefined)).toMatchObject({ status: 200 });
  });

  it('closes at once when nothing is under way, idle connections or not; twice is once', async () => {
    const { port, listener } = await listen();
    const idle = connect({ port, host: '127.0.0.1' });
    idle.on('error', () => {});
    idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(idle, 'data');
    const gone = once(idle, 'close');
    idle.resume();
    await Promise.all([listener.close(), listener.close(), gone]);
    await expect(ask(port, '/healthz')).rejects.toThrow();
  });

  it('cuts off who holds it up when it closes', async () => {
    const { port, listener } = await listen();
    const slow = connect({ port, host: '127.0.0.1' });
    slow.on('error', () => {});
    slow.write('GET /metrics HTTP/1.1\r\nHo');
    await wait(50);
    // By a reset, too: it has sent what nobody reads.
    const gone = new Promise((resolve) => slow.once('close', resolve));
    slow.resume();
    await Promise.all([listener.close(), gone]);
  });

  it('says in one line what to do when its port is taken, and that it is not allowed or not there', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const log = { info() {}, warn() {}, error() {} };
    const attempt = (address: string, wanted: number): Promise<unknown> =>
      listenMetrics({
        report: () => undefined,
        endpoint: { address, port: wanted },
        zoneLimit: 0,
        facts: serverFacts,
        log,
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
    const taken = await attempt('127.0.0.1', port);
    expect(taken).toBeInstanceOf(AdotdError);
    expect(taken).toMatchObject({
      code: 'ADOTD_LISTEN',
      message: `cannot listen on HTTP 127.0.0.1:${port}: another program uses this port (EADDRINUSE); stop it, or choose another port with \`metrics.listen\``,
    });
    other.close();
    expect(await attempt('192.0.2.1', 0)).toMatchObject({
      code: 'ADOTD_LISTEN',
      message: expect.stringContaining('choose another with `metrics.listen`'),
    });
  });

  it('warns when others than this machine can read', async () => {
    expect((await listen()).logged).toEqual([{ level: 'info', message: expect.stringContaining('/metrics') }]);
    expect((await listen(undefined, '0.0.0.0')).logged).toMatchObject([{ level: 'warn' }]);
  });
});

describe('where metrics are served', () => {
  it.each([
    ['', undefined],
    ['metrics: {zones: 5}', undefined],
    ['metrics: {listen: 9153}', { address: '127.0.0.1', port: 9153 }],
    ['metrics: {listen: "0.0.0.0:9153"}', { address: '0.0.0.0', port: 9153 }],
    ['metrics: {listen: "[::1]:0"}', { address: '::1', port: 0 }],
  ])('by %j is %j', (text, endpoint) => {
    expect(metricsEndpoint(parseConfig(text, 'adotd.yaml'))).toEqual(endpoint);
  });

  it.each([
    ['"localhost:9153"', 'expected a port, or an address and a port as in "127.0.0.1:9153" or "[::1]:9153"'],
    ['":9153"', 'expected a port, or an address and a port as in'],
    ['true', 'expected a port, or an address and a port as in'],
    ['70000', 'expected at most 65535'],
  ])('cannot be %s', (text, expected) => {
    expect(() => parseConfig(`metrics: {listen: ${text}}`, 'adotd.yaml')).toThrow(expected);
  });
});
