import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { activatedSockets, takeActivatedSockets } from '../../../src/server/process/socket-activation.js';
import { duplicateSocket, openTcpSocket, openUdpSocket } from '../../../src/transport/sockets.js';
import { ROOT } from '../../support/cli.js';

const PID = 4711;

type Described = { protocol: 'udp' | 'tcp'; endpoint: { address: string; port: number } } | string;

const on = (protocol: 'udp' | 'tcp', port: number): Described => ({ protocol, endpoint: { address: '::', port } });

/** What is taken of descriptors 3 and on; what `sockets` does not have is not open. */
function taken(sockets: readonly Described[], env: NodeJS.ProcessEnv = {}, tlsPort: number | undefined = 853) {
  const all = { LISTEN_PID: String(PID), LISTEN_FDS: String(sockets.length), ...env };
  return activatedSockets(all, PID, tlsPort, (fd) => sockets[fd - 3] ?? 'it is not open');
}

/** Only their descriptors. */
function descriptors(...args: Parameters<typeof taken>) {
  const sockets = taken(...args);
  const of = (list: readonly { fd: number }[] = []) => list.map(({ fd }) => fd);
  return sockets && { udp: of(sockets.udp), tcp: of(sockets.tcp), tls: of(sockets.tls) };
}

const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'ADOTD_LISTEN', message: expect.stringMatching(message) });

describe('sockets that are handed over', () => {
  it('are there only when the variables say so, and mean this process', () => {
    const describe = () => 'not to be looked at';
    expect(activatedSockets({}, PID, 853, describe)).toBeUndefined();
    expect(activatedSockets({ LISTEN_FDS: '1' }, PID, 853, describe)).toBeUndefined();
    expect(activatedSockets({ LISTEN_FDS: '1', LISTEN_PID: '4712' }, PID, 853, describe)).toBeUndefined();
    expect(activatedSockets({ LISTEN_FDS: '0', LISTEN_PID: '4711' }, PID, 853, describe)).toBeUndefined();
  });

  it('are told from each other by protocol and port', () => {
    const sockets = taken([on('udp', 53), on('tcp', 53), on('tcp', 853), on('udp', 853)]);
    expect(sockets).toEqual({
      udp: [
        { protocol: 'udp', fd: 3, endpoint: { address: '::', port: 53 } },
        { protocol: 'udp', fd: 6, endpoint: { address: '::', port: 853 } },
      ],
      tcp: [{ protocol: 'tcp', fd: 4, endpoint: { address: '::', port: 53 } }],
      tls: [{ protocol: 'tcp', fd: 5, endpoint: { address: '::', port: 853 } }],
    });
  });

  it.each(['tls', 'dot', 'DoT', 'adotd-tls.socket', 'dns_dot_6', 'a.tls'])('are for TLS when named %s', (name) => {
    expect(descriptors([on('tcp', 5300), on('tcp', 5301)], { LISTEN_FDNAMES: `plain:${name}` })).toEqual({
      udp: [],
      tcp: [3],
      tls: [4],
    });
  });

  // systemd names sockets after their unit when the unit does not say a name.
  it.each(['adotd.socket', 'unknown', '', 'dots', 'tlsa'])('are not for TLS when named %j', (name) => {
    expect(descriptors([on('tcp', 5300)], { LISTEN_FDNAMES: name })).toEqual({ udp: [], tcp: [3], tls: [] });
  });

  it('are UDP whatever their name', () => {
    expect(descriptors([on('udp', 853)], { LISTEN_FDNAMES: 'tls' })).toEqual({ udp: [3], tcp: [], tls: [] });
  });

  it('may have fewer names than there are, or none', () => {
    const two = [on('tcp', 1), on('tcp', 2)];
    expect(descriptors(two, { LISTEN_FDNAMES: 'tls' })).toEqual({ udp: [], tcp: [4], tls: [3] });
    expect(descriptors(two)).toEqual({ udp: [], tcp: [3, 4], tls: [] });
  });

  it('are refused with number, name and remedy when they cannot be served', () => {
    const env = { LISTEN_FDNAMES: 'dns:control' };
    expect(() => taken([on('udp', 53), 'it is a Unix socket'], env)).toThrow(
      refused(
        /^cannot serve descriptor 4 \(control\) of LISTEN_FDS: it is a Unix socket; the socket unit .*Accept=no$/,
      ),
    );
    expect(() => taken([on('udp', 53)], { LISTEN_FDS: '2' })).toThrow(refused(/descriptor 4 of .*: it is not open;/));
  });

  it('are refused when they are for TLS, which is not served', () => {
    expect(() => activatedSockets({ ...ENV, LISTEN_FDNAMES: 'tls' }, PID, undefined, () => on('tcp', 853))).toThrow(
      refused(/^cannot serve descriptor 3 \(tls\) of LISTEN_FDS: its name says TLS, which `tls\.enabled: false` /),
    );
    const plain = activatedSockets(ENV, PID, undefined, () => on('tcp', 853));
    expect(plain?.tcp).toHaveLength(1);
  });

  it.each(['', 'x', '-1', '1.5', '1e3'])('are refused when their number is %j', (LISTEN_FDS) => {
    expect(() => taken([], { LISTEN_FDS })).toThrow(
      refused(new RegExp(`^LISTEN_FDS is ${JSON.stringify(LISTEN_FDS)}, expected a number$`)),
    );
  });
});

const ENV = { LISTEN_PID: String(PID), LISTEN_FDS: '1' };

describe('taking them', () => {
  const lines: string[] = [];
  const log = {
    debug() {},
    info: (_: object, text: string) => void lines.push(text),
    warn() {},
    error() {},
  };
  const closing: (() => void)[] = [];
  afterEach(() => {
    lines.length = 0;
    for (const close of closing.splice(0)) close();
  });

  it('takes the variables out of the environment, whomever they mean, and says when that is another', () => {
    const env = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a', LISTEN_PIDFDID: '2', HOME: '/' };
    expect(takeActivatedSockets(defaultConfig(), log, env)).toBeUndefined();
    expect(env).toEqual({ HOME: '/' });
    expect(lines).toEqual([expect.stringMatching(/^sockets were handed over to process 1, not to this one/)]);
  });

  it('says nothing when there are none', () => {
    expect(takeActivatedSockets(defaultConfig(), log, { HOME: '/' })).toBeUndefined();
    expect(lines).toEqual([]);
  });

  it('of a service manager gives a process sockets that it serves, and keeps them from its children', async () => {
    const options = { reusePort: false, receiveBuffer: 65_536, sendBuffer: 65_536 };
    const udp = openUdpSocket({ address: '::1', port: 0 }, options);
    const listening = async () => {
      const socket = openTcpSocket({ address: '127.0.0.1', port: 0 }, { reusePort: false, fastOpen: 0 }, 'tcp');
      const server = createServer().listen({ fd: socket.fd });
      await once(server, 'listening');
      closing.push(() => server.close());
      return socket;
    };
    const [plain, secure] = [await listening(), await listening()];
    const fds = [udp.fd, plain.fd, secure.fd].map(duplicateSocket);
    const module = (path: string) => JSON.stringify(pathToFileURL(`${ROOT}build/${path}`).href);
    const program = `
      import { takeActivatedSockets } from ${module('server/process/socket-activation.js')};
      import { defaultConfig } from ${module('config/schema.js')};
      import { execFileSync } from 'node:child_process';
      import { readlinkSync } from 'node:fs';
      const lines = [];
      const config = { ...defaultConfig(), tls_port: ${secure.endpoint.port} };
      const sockets = takeActivatedSockets(config, { info: (_, text) => lines.push(text) });
      const variables = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
      const ofChild = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
      const inherited = [3, 4, 5].filter((fd) => ofChild.includes(readlinkSync('/proc/self/fd/' + fd)));
      console.log(JSON.stringify({ sockets, lines, variables, inherited }));
    `;
    const words = ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', program];
    const child = spawn('sh', words, {
      env: { ...process.env, LISTEN_FDS: '3' },
      stdio: ['ignore', 'pipe', 'inherit', ...fds],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await once(child, 'close');
    const { sockets, lines: said, variables, inherited } = JSON.parse(output);
    expect(sockets).toEqual({
      udp: [{ protocol: 'udp', fd: 3, endpoint: udp.endpoint }],
      tcp: [{ protocol: 'tcp', fd: 4, endpoint: plain.endpoint }],
      tls: [{ protocol: 'tcp', fd: 5, endpoint: secure.endpoint }],
    });
    expect(variables).toEqual([]);
    expect(inherited).toEqual([]);
    expect(said).toEqual([
      `sockets were handed over: UDP [::1]:${udp.endpoint.port}, TCP 127.0.0.1:${plain.endpoint.port}, TLS 127.0.0.1:${secure.endpoint.port}; \`listen\` and \`port\` are not used, \`tls_port\` only tells TLS from TCP`,
    ]);
  });
});
