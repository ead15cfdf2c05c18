/**
 * The packets that UDP answers make on a link with the least MTU of IPv6, 1280 octets: no fragments, and DF never set (RFC
 * 9715). Two network namespaces, joined by a link; packets are seen where they arrive. Needs root.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askFrom,
  COMMAND,
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

const MTU = 1280;
const SERVER4 = '10.77.0.1';
const SERVER6 = 'fd77::1';
const IPV4_HEADERS = 20 + 8;
const IPV6_HEADERS = 40 + 8;

/** A TXT record that makes the answer to NAME.a.test `octets` long: strings of 255 octets, and one with the rest. */
function textFor(name: string, octets: number): string {
  const header = 12;
  const question = `${name}.a.test`.length + 2 + 4;
  const owner = 2 + 10;
  const opt = 11;
  let left = octets - header - question - owner - opt;
  const strings: string[] = [];
  for (; left > 256; left -= 256) strings.push('x'.repeat(255));
  strings.push('y'.repeat(left - 1));
  return `${name} 300 TXT ${strings.map((text) => `"${text}"`).join(' ')}\n`;
}

const ZONE = `@ 300 SOA ns1 h 1 7200 3600 1209600 300
@ 300 NS ns1
ns1 300 A 192.0.2.1
${textFor('fits', 1232)}${textFor('long', 1233)}${textFor('longer', 1400)}`;

const missing = missingForNamespaces();

describe.skipIf(missing)(`on a link with an MTU of 1280${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = openFolder();
  writeFileSync(join(folder, 'a.test.zone'), ZONE);
  let server: Namespace;
  let client: Namespace;
  beforeAll(async () => {
    server = await makeNamespace();
    client = await makeNamespace();
    await joinNamespaces([server, [`${SERVER4}/24`, `${SERVER6}/64`]], [client, ['10.77.0.9/24', 'fd77::9/64']], MTU);
  });
  afterAll(() => {
    for (const namespace of [server, client]) removeNamespace(namespace);
  });

  const watched = (address: string, name: string, ...words: readonly string[]) =>
    askFrom(client, address, `${name}.a.test`, 'TXT', '--payload', '4096', '--watch', LINK, ...words);

  it.each([
    ['on the addresses', { listen: [SERVER4, SERVER6] }],
    ['on wildcard addresses', { listen: ['0.0.0.0', '::'] }],
  ])('%s: an answer of 1232 octets is one packet, and a longer one is truncated', async (_what, settings) => {
    await using running = await serveIn(server, [...COMMAND, writeSettings(folder, { workers: 1, ...settings })]);
    await running.logged(/^queries are answered by threads: 1 for UDP \(recvmmsg\)/);
    expect(await watched(SERVER6, 'fits')).toMatchObject({
      size: 1232,
      tc: false,
      packets: [{ length: IPV6_HEADERS + 1232, fragment: false }],
    });
    expect(await watched(SERVER4, 'fits')).toMatchObject({
      size: 1232,
      tc: false,
      packets: [{ length: IPV4_HEADERS + 1232, fragment: false, df: false }],
    });
    for (const address of [SERVER6, SERVER4]) {
      const { packets = [], ...answer } = await watched(address, 'long');
      expect(answer).toMatchObject({ tc: true, texts: [] });
      expect(packets).toHaveLength(1);
      expect(packets[0]?.length).toBeLessThan(200);
    }
  });

  it('what the operator lets be longer: IPv6 sends no fragments but nothing, IPv4 lets the network cut', async () => {
    const config = writeSettings(folder, { workers: 1, listen: [SERVER4, SERVER6], udp: { payload: 4096 } });
    await using running = await serveIn(server, [...COMMAND, config]);
    const fragment = { fragment: true, df: false };
    const { size, packets } = await watched(SERVER4, 'longer');
    expect({ size, packets }).toMatchObject({ size: 1400, packets: [fragment, fragment] });
    expect(await watched(SERVER6, 'longer', '--in-vain')).toEqual({ from: null, packets: [] });
    expect(await watched(SERVER6, 'fits')).toMatchObject({ size: 1232 });
    process.kill(running.pid, 'SIGUSR1');
    await running.logged(/^statistics: .*udp_error=1 /);
  });
});
