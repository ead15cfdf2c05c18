/**
 * The command starts on ports 53 and 853 as root, with a capability, or with sockets that are handed over; and it says why
 * when it cannot. In a network namespace; needs root.
 */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  COMMAND,
  type GivenSocket,
  handingOver,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  openFolder,
  removeNamespace,
  serveIn,
  writeSettings,
} from './namespace.js';
import { missingPrograms } from './support.js';

const HOST = '127.0.0.1';
const [NODE, MAIN] = COMMAND;
/** An ordinary user other than nobody. */
const USER = 4711;

/** Has a port, until it is ended. */
const OCCUPY = `
import socket, sys, time
kind, port = sys.argv[1], int(sys.argv[2])
own = socket.socket(type=socket.SOCK_DGRAM if kind == 'udp' else socket.SOCK_STREAM)
own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 if kind == 'tcp' else 0)
own.bind(('${HOST}', port))
if kind == 'tcp':
    own.listen()
print('ready', flush=True)
time.sleep(60)
`;

const missing = missingForNamespaces() || missingPrograms({ setpriv: 'util-linux' });

describe.skipIf(missing)(`the command on port 53${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = openFolder();
  writeFileSync(
    join(folder, 'a.test.zone'),
    '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n',
  );
  // The certificate of a server that never was root.
  const certs = join(folder, 'of-user');
  mkdirSync(certs);
  chownSync(certs, USER, USER);
  const ofUser = { tls: { certs_folder: certs } };
  let namespace: Namespace;
  beforeAll(async () => {
    namespace = await makeNamespace();
  });
  afterAll(() => removeNamespace(namespace));

  /** Expects that the command ends with status 1 and prints one line only; returns that line. */
  async function refusal(words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await namespace.run(...words);
    expect({ status, stdout }, stderr).toEqual({ status: 1, stdout: '' });
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    expect(lines).toHaveLength(1);
    return lines[0] ?? '';
  }

  async function expectAnswers(transports: readonly string[]): Promise<void> {
    for (const transport of transports) {
      const words = [MAIN, 'query', 'ns1.a.test', 'A', `@${HOST}`, '--transport', transport, '--short'];
      expect(await namespace.demand(NODE, ...words), transport).toContain('192.0.2.1');
    }
  }

  const asUser = (capabilities: string): string[] => {
    const ids = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
    return ['setpriv', ...ids, `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`];
  };

  describe('starts', () => {
    it('with the capability alone, as an ordinary user', async () => {
      const config = writeSettings(folder, { workers: 2, ...ofUser });
      await using server = await serveIn(namespace, [...asUser('-all,+net_bind_service'), ...COMMAND, config]);
      expect(server.ready).toBe(`ready udp=${HOST}:53 tcp=${HOST}:53 tls=${HOST}:853 zones=1`);
      await server.logged(/^queries are answered by threads: 2 /);
      await expectAnswers(['udp', 'tcp', 'starttls', 'tls']);
    });

    it.each([
      ['in threads', 2, /^queries are answered by threads: 2 /],
      ['embedded', 'embedded', /^queries are answered embedded/],
    ])('with sockets that were handed over, %s', async (_what, workers, path) => {
      const config = writeSettings(folder, { workers, ...ofUser });
      const sockets: GivenSocket[] = [
        { type: 'tcp', address: HOST, port: 853 },
        { type: 'udp', address: HOST, port: 53 },
        { type: 'tcp', address: HOST, port: 53 },
      ];
      await using server = await serveIn(namespace, handingOver({ sockets, user: USER }, [...COMMAND, config]));
      expect(server.ready).toBe(`ready udp=${HOST}:53 tcp=${HOST}:53 tls=${HOST}:853 zones=1`);
      await server.logged(path);
      await expectAnswers(['udp', 'tcp', 'starttls', 'tls']);
    });
  });

  describe('says why it does not start', () => {
    it.each([
      ['UDP', 'udp', 53],
      ['TCP', 'tcp', 53],
      ['TLS', 'tcp', 853],
    ] as const)('where another has the port for %s', async (transport, type, port) => {
      await using _ = await serveIn(namespace, ['python3', '-c', OCCUPY, type, String(port)]);
      for (const workers of [2, 'embedded']) {
        const line = await refusal([...COMMAND, writeSettings(folder, { workers })]);
        expect(line.startsWith(`adotd: cannot listen on ${transport} ${HOST}:${port}: `), line).toBe(true);
        expect(line).toMatch(/\(EADDRINUSE\); .* \[ADOTD_LISTEN\]$/);
      }
    });

    it('to an ordinary user without the capability', async () => {
      const config = writeSettings(folder, { ...ofUser });
      expect(await refusal([...asUser('-all'), ...COMMAND, config])).toMatch(
        /^adotd: cannot listen on UDP 127\.0\.0\.1:53: not permitted \(EACCES\); ports below 1024 need root.* \[ADOTD_LISTEN\]$/,
      );
    });

    it.each<[string, { sockets: readonly GivenSocket[]; extra?: number }, RegExp]>([
      [
        'a Unix socket',
        { sockets: [{ type: 'unix', name: 'control' }] },
        /descriptor 3 \(control\) .*: it is a Unix socket; /,
      ],
      ['a file', { sockets: [{ type: 'file' }] }, /descriptor 3 of LISTEN_FDS: it is no socket; /],
      [
        'a TCP socket that does not listen',
        {
          sockets: [
            { type: 'udp', address: HOST, port: 53 },
            { type: 'connectable', address: HOST, port: 53 },
          ],
        },
        /descriptor 4 of LISTEN_FDS: it is a TCP socket that does not listen; /,
      ],
      [
        // Node may have opened a descriptor of its own with this number.
        'more than there are',
        { sockets: [{ type: 'udp', address: HOST, port: 53 }], extra: 1 },
        /descriptor 4 of LISTEN_FDS: it is (not open|no socket); /,
      ],
    ])('given %s', async (_what, given, reason) => {
      for (const workers of [2, 'embedded']) {
        const line = await refusal(handingOver(given, [...COMMAND, writeSettings(folder, { workers })]));
        expect(line).toMatch(/^adotd: cannot serve descriptor .* \[ADOTD_LISTEN\]$/);
        expect(line).toMatch(reason);
      }
    });

    it('where io_uring is on and privileges are to go', async () => {
      const config = writeSettings(folder, { user: 'nobody' });
      expect(await refusal(['env', 'UV_USE_IO_URING=1', ...COMMAND, config])).toBe(
        'adotd: `user: nobody` does not work with UV_USE_IO_URING=1; take it out of the environment [ADOTD_CONFIG]',
      );
    });

    it('to an ordinary user that is to become another', async () => {
      const config = writeSettings(folder, { user: 'nobody', ...ofUser });
      expect(await refusal([...asUser('-all,+net_bind_service'), ...COMMAND, config])).toMatch(
        /^adotd: only root can become `user: nobody`, and this is user 4711; .* \[ADOTD_CONFIG\]$/,
      );
    });

    it('with a user that is root, or unknown', async () => {
      for (const [user, reason] of [
        ['root', /^adotd: `user: root` keeps all privileges; .* \[ADOTD_CONFIG\]$/],
        ['no-such-user', /^adotd: `user: no-such-user` is not in \/etc\/passwd; .* \[ADOTD_CONFIG\]$/],
      ] as const) {
        expect(await refusal([...COMMAND, writeSettings(folder, { user })])).toMatch(reason);
      }
    });
  });
});
