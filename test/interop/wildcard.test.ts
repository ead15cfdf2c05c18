/**
 * Wildcard binds on a host with several addresses: UDP answers leave from the address that was asked, also where the routes would
 * choose another. Two network namespaces, joined by a link. Needs root.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askFrom,
  askManyFrom,
  COMMAND,
  handingOver,
  joinNamespaces,
  LINK,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  openFolder,
  removeNamespace,
  serveIn,
  writeSettings,
} from './namespace.js';

const CLIENT4 = '10.77.0.9';
const CLIENT6 = 'fd77::9';
/** The system itself chooses the first of each; the last is outside the link's network. */
const SERVER4 = ['10.77.0.1', '10.77.0.2', '10.78.0.1'] as const;
const SERVER6 = ['fd77::1', 'fd77::2', 'fd78::1'] as const;
const LOCAL = 'fe80::77:1';

const missing = missingForNamespaces();

describe.skipIf(missing)(`on a wildcard address${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = openFolder();
  writeFileSync(
    join(folder, 'a.test.zone'),
    '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n',
  );
  let server: Namespace;
  let client: Namespace;

  beforeAll(async () => {
    server = await makeNamespace();
    client = await makeNamespace();
    const [first4, second4, far4] = SERVER4;
    const [first6, second6, far6] = SERVER6;
    await joinNamespaces(
      [server, [`${first4}/24`, `${second4}/24`, `${first6}/64`, `${LOCAL}/64`]],
      [client, [`${CLIENT4}/24`, `${CLIENT6}/64`]],
    );
    // Deprecated: the system does not choose it by itself.
    await server.demand('ip', 'address', 'add', `${second6}/64`, 'dev', LINK, 'nodad', 'preferred_lft', '0');
    await server.demand('ip', 'address', 'add', `${far4}/32`, 'dev', 'lo');
    await server.demand('ip', 'address', 'add', `${far6}/128`, 'dev', 'lo');
    await client.demand('ip', 'route', 'add', `${far4}/32`, 'via', first4);
    await client.demand('ip', 'route', 'add', `${far6}/128`, 'via', first6);
  });
  afterAll(() => {
    for (const namespace of [server, client]) removeNamespace(namespace);
  });

  /** Asks every address, several times so that all workers answer, and returns where the answers came from. */
  async function sources(addresses: readonly string[]): Promise<(string | null)[]> {
    const asked = addresses.map(async (address) => {
      const answers = await askManyFrom(16, client, address, 'ns1.a.test', 'A');
      expect(answers.map(({ texts }) => texts)).toEqual(answers.map(() => ['192.0.2.1']));
      const found = [...new Set(answers.map(({ from }) => from))];
      expect(found).toHaveLength(1);
      return found[0] ?? null;
    });
    return Promise.all(asked);
  }

  it('the system would choose one address for all answers', async () => {
    expect(await server.demand('ip', 'route', 'get', CLIENT4)).toContain(` src ${SERVER4[0]} `);
    expect(await server.demand('ip', 'route', 'get', CLIENT6)).toContain(` src ${SERVER6[0]} `);
  });

  it.each([
    ['0.0.0.0 and ::', ['0.0.0.0', '::']],
    ['other spellings of both', ['0.0.0.0', '0:0::0']],
  ])('%s: answers come from the address that was asked', async (_what, listen) => {
    const config = writeSettings(folder, { listen, workers: 2 });
    await using running = await serveIn(server, [...COMMAND, config]);
    await running.logged(/^queries are answered by threads: 2 for UDP \(recvmmsg\), 2 for streams/);
    const all = [...SERVER4, ...SERVER6];
    expect(await sources(all)).toEqual(all);
    expect(await sources([`${LOCAL}%${LINK}`])).toEqual([LOCAL]);
  });

  it('[::] of systemd, which takes IPv4 too: answers come from the address that was asked', async () => {
    const config = writeSettings(folder, { workers: 2 });
    const sockets = [{ type: 'udp', address: '::', port: 53 }] as const;
    await using running = await serveIn(server, handingOver({ sockets }, [...COMMAND, config]));
    expect(running.ready).toBe('ready udp=[::]:53 zones=1');
    const all = [...SERVER4, ...SERVER6];
    expect(await sources(all)).toEqual(all);
  });

  it.each(['threads', 'embedded'])(
    '[::] of systemd, %s: an IPv4 client is the same over UDP as over TCP',
    async (path) => {
      const settings = {
        workers: path === 'embedded' ? 'embedded' : 2,
        cookies: { mode: 'required', secrets: ['000102030405060708090a0b0c0d0e0f'] },
        access: { allow: [`${CLIENT4}/32`] },
      };
      const sockets = [
        { type: 'udp', address: '::', port: 53 },
        { type: 'tcp', address: '::', port: 53 },
      ] as const;
      const words = handingOver({ sockets }, [...COMMAND, writeSettings(folder, settings)]);
      await using running = await serveIn(server, words);
      expect(running.ready).toBe('ready udp=[::]:53 tcp=[::]:53 zones=1');
      const ask = (...more: string[]) => askFrom(client, SERVER4[0], 'ns1.a.test', 'A', ...more);
      const { cookie = '' } = await ask('--over-tcp', '--cookie', '0123456789abcdef');
      expect(cookie).toMatch(/^0123456789abcdef[0-9a-f]{32}$/);
      // A cookie is good for one address only.
      expect(await ask('--cookie', cookie)).toMatchObject({ from: SERVER4[0], rcode: 0, texts: ['192.0.2.1'] });
      // IPv6 clients are not on the list.
      expect(await askFrom(client, SERVER6[0], 'ns1.a.test', 'A')).toMatchObject({ rcode: 5, texts: [] });
    },
  );
});
