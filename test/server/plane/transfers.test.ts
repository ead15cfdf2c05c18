import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { framed } from '../../load/client.js';
import { askTcp, askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage, type Message } from '../../support/message.js';
import { nameFromText } from '../../support/names.js';
import { unframed } from '../../support/responder.js';
import { startThreads } from '../../support/threads.js';

const certs = mkdtempSync(join(tmpdir(), 'adotd-transfers-'));
afterAll(() => rmSync(certs, { recursive: true, force: true }));

const RECORDS = 5000;
const zone = (serial: number): string =>
  [
    `@ 300 SOA ns1 h ${serial} 7200 3600 1209600 300`,
    '@ 300 NS ns1',
    'ns1 300 A 192.0.2.1',
    ...Array.from({ length: RECORDS }, (_, i) => `h${i} 300 A 192.0.2.${(i + serial) % 200}`),
    '',
  ].join('\n');

const config = (transfer: object = { to: ['second'] }, change: object = {}): Record<string, unknown> => ({
  remotes: [{ name: 'second', addresses: ['127.0.0.1'] }],
  zones: { policies: [{ zones: ['a.test'], transfer }] },
  ...change,
});
const axfr = buildQuery({ name: 'a.test.', type: 'AXFR', edns: {} });

function ixfr(serial: number): Uint8Array {
  const query = buildQuery({ name: 'a.test.', type: 'IXFR' });
  const rdata = [...nameFromText('.'), ...nameFromText('.'), 0, 0, 0, serial, ...new Array(16).fill(0)];
  const soa = Buffer.from([...nameFromText('a.test.'), 0, 6, 0, 1, 0, 0, 0, 0, 0, rdata.length, ...rdata]);
  const message = Buffer.concat([query, soa]);
  message.writeUInt16BE(1, 8);
  return message;
}

/** All messages until the second SOA record. */
function transfer(port: number, query: Uint8Array, slow = false): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(framed(query)));
    socket.on('error', reject);
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(unframed(Buffer.concat(parts)).map(decodeMessage)));
    socket.on('data', (octets: Buffer) => {
      parts.push(octets);
      if (slow) {
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      }
      const last = Buffer.concat(parts.slice(-3)).subarray(-22);
      // The SOA record at the end has these last octets: REFRESH to MINIMUM, then OPT of 11 octets if there is one.
      const tail = Buffer.from('00001c2000000e100012750000000 12c'.replace(' ', ''), 'hex');
      if (parts.length > 1 && (last.includes(tail.subarray(-4)) || Buffer.concat(parts).indexOf(tail, 200) > 0)) {
        if (soas(parts) >= 2) socket.end();
      }
    });
  });
}

function soas(parts: readonly Buffer[]): number {
  try {
    return unframed(Buffer.concat(parts))
      .flatMap((octets) => decodeMessage(octets).answer)
      .filter(({ type }) => type === 6).length;
  } catch {
    return 0;
  }
}

describe('a zone transfer by threads', () => {
  it('has all records, and is logged and counted', async () => {
    await using running = await startThreads({ 'a.test': zone(7) }, config());
    const messages = await transfer(running.port, axfr);
    const records = messages.flatMap(({ answer }) => answer);
    expect(records).toHaveLength(RECORDS + 4);
    expect(new Set(records.map(({ owner, type }) => `${owner} ${type}`)).size).toBe(RECORDS + 3);
    const line = await running.logged(/^sent zone a\.test\. serial 7 to 127\.0\.0\.1: 5004 records, /);
    expect(line.fields).toMatchObject({ transport: 'tcp', form: 'axfr', serial: 7, end: 'complete', records: 5004 });
    expect(running.server.transfersOut.facts(running.plane.settings)).toMatchObject({
      ends: { 'axfr complete': 1 },
      records: 5004,
      open: 0,
      limit: 50,
    });
  });

  it('has one version, although the zone is loaded anew meanwhile', async () => {
    const zones = { 'a.test': zone(1) };
    await using running = await startThreads(zones, config());
    const sending = transfer(running.port, axfr, true);
    for (let serial = 2; serial < 6; serial++) {
      zones['a.test'] = zone(serial);
      await running.server.reload();
    }
    const records = (await sending).flatMap(({ answer }) => answer);
    const hosts = records.filter(({ owner }) => owner.startsWith('h'));
    expect(hosts).toHaveLength(RECORDS);
    const version = Number(hosts[0]?.text.split('.')[3]);
    for (const { owner, text } of hosts)
      expect(text).toBe(`192.0.2.${(Number(owner.slice(1).split('.')[0]) + version) % 200}`);
  });

  it.each([
    ['to nobody, by default', {}, config()],
    [
      'to another address',
      { to: ['second'] },
      config(undefined, { remotes: [{ name: 'second', addresses: ['192.0.2.9'] }] }),
    ],
  ])('is REFUSED %s', async (_, transferTo, whole) => {
    const open = Object.keys(transferTo).length > 0 ? whole : {};
    await using running = await startThreads({ 'a.test': zone(1) }, open);
    const reply = decodeMessage((await askTcp(running, axfr))!);
    expect([reply.rcode, reply.edns?.options]).toEqual([5, [{ code: 15, data: Uint8Array.of(0, 18) }]]);
  });

  it('needs TLS where the policy says so', async () => {
    const tls = { tls: { certs_folder: certs } };
    await using running = await startThreads({ 'a.test': zone(1) }, config({ to: ['second'], require: 'tls' }, tls));
    const reply = decodeMessage((await askTcp(running, axfr))!);
    expect(reply.rcode).toBe(5);
    expect(Buffer.from(reply.edns?.options[0]?.data ?? []).toString('latin1')).toMatch(/over TLS only/);
  });

  it('gets SERVFAIL where too many are under way, and the next one goes when one is over', async () => {
    await using running = await startThreads({ 'a.test': zone(1) }, config(undefined, { transfer: { max: 1 } }));
    const idle = connect(running.port, '127.0.0.1');
    idle.pause();
    // Several of them fill the buffers of the system.
    for (let i = 0; i < 60; i++) idle.write(framed(axfr));
    let rcode = 0;
    for (let i = 0; i < 500 && rcode !== 2; i++) rcode = decodeMessage((await askTcp(running, axfr))!).rcode;
    expect(rcode).toBe(2);
    idle.destroy();
    await running.logged(/did not send all of zone a\.test\. serial 1 to 127\.0\.0\.1: the client has closed/);
    while (running.server.transfersOut.facts(running.plane.settings).open > 0)
      await new Promise((r) => setTimeout(r, 5));
    expect(decodeMessage((await askTcp(running, axfr))!).rcode).toBe(0);
  });

  it('by IXFR over UDP is the SOA record of a large zone, and the whole of a small one', async () => {
    const small = '@ 300 SOA ns1 h 9 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n';
    const zones = { 'a.test': zone(5) };
    await using running = await startThreads(zones, config());
    expect(decodeMessage((await askUdp(running, ixfr(3)))!).answer.map(({ type }) => type)).toEqual([6]);
    zones['a.test'] = small;
    await running.server.reload();
    expect(decodeMessage((await askUdp(running, ixfr(3)))!).answer.map(({ type }) => type)).toEqual([6, 2, 1, 6]);
    expect(decodeMessage((await askUdp(running, ixfr(9)))!).answer.map(({ type }) => type)).toEqual([6]);
  });
});
