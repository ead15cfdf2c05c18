/**
 * TCP Fast Open (RFC 7413, which draft 2.1.5 recommends) in a network namespace of its own, where the system lets servers do
 * it: data that came with a SYN is answered, and the kernel says that it was taken.
 */
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeMessage } from '../support/message.js';
import {
  COMMAND,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  removeNamespace,
  type ServerInNamespace,
  serveIn,
} from './namespace.js';
import { writeConfig } from './support.js';

const CLIENT = fileURLToPath(new URL('fast_open.py', import.meta.url));
const PORT = '5353';
const TLS_PORT = '8853';

const missing = missingForNamespaces();

describe.skipIf(missing)(`TCP Fast Open${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let namespace: Namespace | undefined;
  let server: ServerInNamespace | undefined;

  /** Makes the namespace with this value of the sysctl, and a server in it. */
  async function start(sysctl: number, pending?: number): Promise<void> {
    namespace = await makeNamespace();
    await namespace.demand('sh', '-c', `echo ${sysctl} > /proc/sys/net/ipv4/tcp_fastopen`);
    const config = writeConfig(pending === undefined ? {} : { tcp: { fast_open: pending } });
    server = await serveIn(namespace, [...COMMAND, config, '--port', PORT, '--tls-port', TLS_PORT]);
  }
  const fastOpenLines = (): string[] =>
    (server?.log() ?? []).flatMap(({ msg }) => (/Fast Open/.test(msg) ? [msg] : []));

  afterEach(async () => {
    await server?.[Symbol.asyncDispose]();
    if (namespace) removeNamespace(namespace);
    [server, namespace] = [undefined, undefined];
  });

  interface Outcome {
    /** Hexadecimal. */
    readonly answers: readonly string[];
    readonly counted: Readonly<Record<string, number>>;
  }

  async function ask(...words: readonly string[]): Promise<Outcome> {
    const names = Array.from({ length: 5 }, () => 'nas.home.test');
    const printed = await namespace?.demand('python3', '-B', CLIENT, ...words, ...names);
    const outcome: Outcome = JSON.parse(printed ?? '');
    const answers = outcome.answers.map((hex) => {
      const { id, rcode, answer } = decodeMessage(Buffer.from(hex, 'hex'));
      return { id, rcode, address: answer.at(-1)?.text };
    });
    expect(answers).toEqual(names.map(() => ({ id: 0x4711, rcode: 0, address: '192.0.2.20' })));
    return outcome;
  }

  it.each([
    ['queries', [PORT]],
    ['ClientHellos on port 853', ['--tls', TLS_PORT]],
  ])('with the sysctl at 3: %s that come with the SYN are taken and answered', async (_what, words) => {
    await start(3);
    const { counted } = await ask(...words);
    // The first connection asks for a cookie, the four after it have one.
    expect(counted).toMatchObject({ TCPFastOpenCookieReqd: 1, TCPFastOpenPassive: 4, TCPFastOpenPassiveFail: 0 });
    expect(counted.TCPFastOpenActive).toBe(4);
    expect(fastOpenLines()).toEqual([]);
  });

  it('with fast_open 0 it is off: the same queries are answered, none from a SYN', async () => {
    await start(3, 0);
    const { counted } = await ask(PORT);
    expect(counted).toMatchObject({ TCPFastOpenPassive: 0, TCPFastOpenActive: 0 });
  });

  it('with the sysctl at 1 one line of the log says what is missing, and queries are answered', async () => {
    await start(1);
    expect((await ask(PORT)).counted.TCPFastOpenPassive).toBe(0);
    expect(fastOpenLines()).toEqual(['TCP Fast Open is off: net.ipv4.tcp_fastopen is 1: set it to 3']);
  });
});
