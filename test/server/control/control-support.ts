import type { Server } from 'node:http';
import { afterAll, beforeAll } from 'vitest';
import { silentLog } from '../../../src/observe/log.js';
import type { TopView } from '../../../src/page/contract.js';
import { controlServer } from '../../../src/server/control/control.js';
import { listenOnSocket } from '../../../src/server/control/control-socket.js';
import type { ControlTarget, ServerStatus } from '../../../src/server/control/control-target.js';
import type { ReloadOutcome } from '../../../src/server/reload.js';
import type { ReloadRequest } from '../../../src/server/zones/zone-loader.js';
import { countOutcomes, type ZoneStatus } from '../../../src/server/zones/zone-outcome.js';
import { NO_SESSIONS } from '../../../src/session/session-report.js';

export const ZONE: ZoneStatus = {
  name: 'a.test.',
  file: 'zones/a.test.zone',
  state: 'served',
  serial: 7,
  records: 3,
  octets: 600,
  signed: false,
  signaturesExpire: undefined,
  loadedAt: 1_700_000_000,
  milliseconds: 1.5,
  diagnostics: [],
};

export const STATUS: ServerStatus = {
  version: '0.0.0',
  process: 1,
  state: 'ready',
  since: 1_700_000_000,
  addresses: { udp: [{ address: '127.0.0.1', port: 53 }], tcp: [{ address: '::1', port: 53 }], tls: [] },
  plane: { path: 'threads', udpWorkers: 2, streamWorkers: 2, restarts: 0, streams: 'node' },
  zones: { served: 1, failed: 0, kept: 0, waiting: 0, records: 3 },
  certificates: [],
  keysWaiting: [],
  reloads: { done: 0, failed: 0 },
  health: 'ok',
  restart: [],
  problems: [],
  logLevel: 'info',
  watching: true,
  memory: 50_000_000,
};

export const OUTCOME: ReloadOutcome = {
  zones: [],
  counts: countOutcomes([]),
  errors: [],
  warnings: [],
  certificates: 'off',
  milliseconds: 1,
};

const TOP: TopView = {
  overview: { at: 1_795_000_000_000, server: 'ns1', version: '1.2.3', state: 'starting', since: 1_794_999_000 },
  events: [],
};

/** A server that serves one zone, and does what `parts` say. */
export function controlTarget(
  parts: Partial<ControlTarget> & { onReload?: (request: ReloadRequest) => void } = {},
): ControlTarget {
  return {
    status: () => STATUS,
    zones: (name) => (name === undefined || name.toLowerCase() === ZONE.name ? [ZONE] : []),
    report: () => undefined,
    statistics: () => ({ udp: { messages: 1 } }),
    top: () => TOP,
    sessions: async () => NO_SESSIONS,
    reload: async (request) => {
      parts.onReload?.(request);
      return OUTCOME;
    },
    transfer: async () => undefined,
    acceptFile: async (zone) => {
      parts.onReload?.({ zone });
      return OUTCOME;
    },
    catalogs: () => [],
    acceptCatalog: async () => false,
    signing: undefined,
    dump: () => undefined,
    notify: () => undefined,
    switchKeys: async () => [],
    drain: () => undefined,
    setLogLevel: () => 'info',
    ...parts,
  };
}

/** Serves a target at a socket, for all tests of a file. */
export function serveControl(path: string, target: () => ControlTarget): void {
  let server: Server | undefined;
  beforeAll(async () => {
    server = controlServer(target(), silentLog);
    await listenOnSocket(server, path);
  });
  afterAll(() => {
    server?.close();
    server?.closeAllConnections();
  });
}
