/** Each case over sockets: in threads, and embedded, whose streams are those of node:net on either path (test/support/streams-path.ts). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';
import { summaryOf } from '../../src/observe/counters/summary.js';
import { askTcp, askTls, askUdp } from '../support/ask.js';
import type { TestTransport } from '../support/engine.js';
import { STREAMS } from '../support/streams-path.js';
import { startThreads, type ThreadedServer } from '../support/threads.js';
import { type Case, queryOf } from './case.js';
import { allCases, zoneFile } from './files.js';
import { judge } from './judge.js';

/** Milliseconds to wait for an answer that is not to come. */
const SILENCE = 150;

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
const ASK = { udp: askUdp, tcp: askTcp, tls: askTls } as const;
const certs = mkdtempSync(join(tmpdir(), 'adotd-conformance-'));
afterAll(() => rmSync(certs, { recursive: true, force: true }));
/** TLS on its own port only: an upgrade that is on offer is a matter of sessions, and tested there. */
const secure = { tls: { certs_folder: certs }, starttls: { upgrade: 'off' } };

interface Way {
  readonly name: string;
  readonly transport: TestTransport;
  ask(which: Case, query: Uint8Array): Promise<Uint8Array | undefined>;
}

for (const { title, origin, zones, failed, config, cases } of allCases()) {
  describe(title, () => {
    let server: RunningServer | undefined;
    let threads: ThreadedServer;
    /** Questions put to the threads. */
    const asked = { udp: 0, tcp: 0, tls: 0 };
    beforeAll(async () => {
      const files = zones.map(zoneFile);
      if (STREAMS === 'node')
        server = await startServer({ files, config: { ...config, ...secure }, lenient: failed.length > 0 });
      threads = await startThreads(files, { ...config, ...secure });
    });
    afterAll(() => Promise.all([server?.close(), threads?.server.close()]));

    const patience = (which: Case): number | undefined => (which.silence ? SILENCE : undefined);
    const embedded = (transport: TestTransport): Way => ({
      name: 'embedded',
      transport,
      ask: (which, query) => ASK[transport]({ port: server?.[transport] ?? 0 }, query, patience(which)),
    });
    const threaded = (transport: TestTransport): Way => ({
      name: 'threads',
      transport,
      ask(which, query) {
        asked[transport]++;
        const port = transport === 'tls' ? threads.tlsPort : threads.port;
        return ASK[transport]({ port }, query, patience(which));
      },
    });
    const ways: readonly Way[] = [...(STREAMS === 'node' ? TRANSPORTS.map(embedded) : []), ...TRANSPORTS.map(threaded)];
    it.each(cases)('$name ($clause)', async (which) => {
      const query = queryOf(which.query, origin, Math.floor(Date.now() / 1000));
      const over = which.over ?? ['udp', 'tcp'];
      for (const way of ways.filter(({ transport }) => over.includes(transport))) {
        const response = await way.ask(which, query);
        const where = `${which.query}: ${way.name} as ${way.transport}`;
        expect(judge(which, way.transport, origin, query, response), where).toEqual([]);
      }
    });

    it('was put to threads: they count as many messages, and batches of recvmmsg', () => {
      const { udp, tcp, tls, events } = summaryOf(threads.server.counters);
      const { path, restarts } = threads.plane.status;
      expect([path, restarts]).toEqual(['threads', 0]);
      expect([udp?.messages ?? 0, tcp?.messages ?? 0, tls?.messages ?? 0]).toEqual(Object.values(asked));
      if (asked.udp > 0) expect(events?.udp_batch).toBeGreaterThan(0);
    });
  });
}
