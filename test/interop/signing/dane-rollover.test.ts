/**
 * A certificate gets another key while a client that relies on TLSA records (RFC 7672 §2.2 for its steps) connects all the while: it asks a
 * caching resolver that validates, and has openssl verify the handshake with what it got. It never fails.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { askUdp } from '../../support/ask.js';
import { adotdServe, type Serving } from '../../support/cli.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { LOOPBACK, type Peer } from '../../support/peers/server.js';
import { runUnbound } from '../../support/peers/unbound.js';
import { make } from '../../tls/support.js';
import { FOLDER, missingPrograms, run } from '../support.js';

const missing = missingPrograms({ unbound: 'unbound', openssl: 'openssl' });
const [TLSA, DNSKEY] = [52, 48];
const NAME = 'ns.a.test';
/** Seconds: TTL of the records. */
const TTL = 2;
/** Milliseconds: machines with much to do take their time. */
const PATIENCE = 120_000;

describe.skipIf(missing)(`a client of TLSA records${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = join(FOLDER, 'dane');
  let server: Serving;
  let resolver: Peer;

  const put = async (): Promise<void> => {
    const { cert, key } = await make({ names: [NAME] });
    writeFileSync(join(folder, 'a.key'), key, { mode: 0o600 });
    writeFileSync(join(folder, 'a.pem'), cert);
  };

  /** Hashes in the TLSA records that somebody has, and whether the resolver has validated them. */
  async function tlsa(who: { readonly port: number }): Promise<{ pins: string[]; isSecure: boolean }> {
    const query = buildQuery({
      name: `_${server.tlsPort}._tcp.${NAME}.`,
      type: TLSA,
      rd: true,
      edns: { dnssecOk: true },
    });
    const answer = await askUdp(who, query, 20_000);
    if (answer === undefined) throw new Error('no answer came');
    const { flags, rcode, answer: records } = decodeMessage(answer);
    if (rcode !== 0 && rcode !== 3) throw new Error(`RCODE ${rcode}`);
    const pins = records.filter(({ type }) => type === TLSA).map(({ rdata }) => rdata.slice(6).toLowerCase());
    return { pins: pins.sort(), isSecure: flags.ad };
  }

  /** The hash by which openssl has verified the server. Throws an error with its output when it has refused it. */
  async function verified(pins: readonly string[]): Promise<string> {
    const records = pins.flatMap((pin) => ['-dane_tlsa_rrdata', `3 1 1 ${pin}`]);
    const words = ['s_client', '-brief', '-connect', `${LOOPBACK}:${server.tlsPort}`, '-verify_return_error'];
    const { status, stdout, stderr } = await run('openssl', [...words, '-dane_tlsa_domain', NAME, ...records]);
    const output = stdout + stderr;
    const [, tail = ''] = /DANE TLSA 3 1 1 [.]*([0-9a-f]+) matched/i.exec(output) ?? [];
    const pin = pins.find((one) => tail !== '' && one.endsWith(tail.toLowerCase()));
    if (status !== 0 || pin === undefined) throw new Error(`openssl has refused ${pins.join(', ')}: ${output}`);
    return pin;
  }

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    await put();
    writeFileSync(join(folder, 'a.zone'), '$TTL 2\n@ SOA ns h 1 3600 600 86400 2\n@ NS ns\nns A 127.0.0.1\n');
    const config = {
      listen: [LOOPBACK],
      tls: { certificates: [{ cert: 'a.pem', key: 'a.key' }] },
      state: { folder: 'state' },
      control: { socket: 'ctl.sock' },
      signals: { names: [NAME], ttl: TTL },
      zones: {
        files: [{ name: 'a.test', file: 'a.zone' }],
        policies: [{ zones: ['a.test'], dnssec: 'default', signals: { tlsa: 'auto', svcb: 'auto' } }],
      },
    };
    writeFileSync(join(folder, 'adotd.yaml'), stringify(config));
    server = await adotdServe('--config', join(folder, 'adotd.yaml'));
    const keys = await askUdp(server, buildQuery({ name: 'a.test.', type: DNSKEY }), 20_000);
    const [key] = decodeMessage(keys!).answer;
    const options = `  do-not-query-localhost: no\n  module-config: "validator iterator"\n  trust-anchor: "a.test. DNSKEY ${key!.text}"\n`;
    const stub = `stub-zone:\n  name: "a.test"\n  stub-addr: ${LOOPBACK}@${server.port}\n`;
    resolver = await runUnbound(join(folder, 'unbound'), options, stub);
  }, PATIENCE);
  afterAll(async () => {
    await resolver?.stop();
    await server?.stop();
  });

  it(
    'never fails while the key of the certificate changes, and has relied on both keys',
    async () => {
      const deadline = Date.now() + PATIENCE;
      const settle = async (isSo: (pins: readonly string[]) => boolean): Promise<string[]> => {
        for (;;) {
          const { pins } = await tlsa(server);
          if (isSo(pins)) return pins;
          if (Date.now() > deadline) throw new Error(`the records are ${pins.join(', ')}`);
          await sleep(100);
        }
      };
      const [old] = await settle((pins) => pins.length === 1);
      // What the resolver may have from before the record was there.
      await sleep(2 * TTL * 1000);
      const used = new Set<string>();
      const failures: string[] = [];
      let tries = 0;
      let isDone = false;
      const client = (async () => {
        while (!isDone) {
          tries++;
          try {
            const { pins, isSecure } = await tlsa(resolver);
            if (!isSecure) throw new Error('the answer is not validated');
            used.add(await verified(pins));
          } catch (error) {
            failures.push(String(error));
          }
        }
      })();
      await sleep(1000);
      await put();
      server.signal('SIGHUP');
      await settle((pins) => pins.length === 2);
      const [fresh] = await settle((pins) => pins.length === 1 && pins[0] !== old);
      await sleep(2 * TTL * 1000);
      isDone = true;
      await client;
      expect(failures).toEqual([]);
      expect([...used].sort()).toEqual([old, fresh].sort());
      expect(tries).toBeGreaterThan(20);
    },
    2 * PATIENCE,
  );
});
