/** What metrics are read from, for tests: a server at rest, and changes to it. */

import { Counters } from '../../src/observe/counters/counters.js';
import type { MetricsInput } from '../../src/observe/metrics/metric.js';
import { NO_SECONDARIES } from '../../src/observe/metrics/secondary-facts.js';
import { NO_RELOADS, type ServerFacts, type ZoneFacts } from '../../src/observe/metrics/server-facts.js';
import { NO_SIGNING } from '../../src/observe/metrics/signing-facts.js';
import { NO_NOTIFIES, NO_TRANSFERS } from '../../src/observe/metrics/transfer-facts.js';

export function serverFacts(change: Partial<ServerFacts> = {}): ServerFacts {
  return {
    version: '1.2.3',
    state: 'ready',
    counters: new Counters(),
    plane: { path: 'threads', udpWorkers: 2, streamWorkers: 2, restarts: 0, streams: 'epoll', tlsEngine: { open: 3 } },
    cpu: { control: 0.1, loader: 0.2, udp: 0.4, stream: 0.3 },
    sessions: { open: 3, limit: 1000, idleTime: 10_000, keepalive: 10_000 },
    zones: [zoneFacts('example.test.')],
    reloads: {
      zones: { succeeded: 1, failed: 0, lastSuccess: 1_795_000_000 },
      certificates: NO_RELOADS,
      ticket_keys: NO_RELOADS,
      client_cas: NO_RELOADS,
      config: NO_RELOADS,
    },
    logLinesLost: 0,
    tap: { dropped: 0, queryLogLost: 0, dnstapLost: 0 },
    certificates: [{ file: 'certs/self-signed.pem', notAfter: 1_800_000_000, valid: true }],
    problems: 0,
    certificateStates: { served: 1, kept: 0, failed: 0, held: 0 },
    transfers: NO_TRANSFERS,
    notifies: NO_NOTIFIES,
    secondaries: { ...NO_SECONDARIES, nextExpiry: 3600 },
    signing: { ...NO_SIGNING, signaturesDue: 1_796_000_000, next: 1_795_100_000 },
    updates: new Map(),
    catalogs: [{ zone: 'catalog.example.', state: 'followed', members: 3 }],
    ...change,
  };
}

export function zoneFacts(name: string, change: Partial<ZoneFacts> = {}): ZoneFacts {
  return {
    name,
    state: 'served',
    serial: 2_026_112_101,
    records: 12,
    imageBytes: 4096,
    loadSeconds: 0.004,
    loadedAt: 1_795_000_000,
    signaturesExpire: 1_796_000_000,
    ...change,
  };
}

export function metricsInput(change: Partial<ServerFacts> = {}, zoneLimit = 100): MetricsInput {
  return {
    server: serverFacts(change),
    process: {
      cpuSeconds: 1.5,
      residentBytes: 50_000_000,
      startedAt: 1_794_999_000,
      openDescriptors: 30,
      maxDescriptors: 20_000,
    },
    zoneLimit,
  };
}
