/** The facts about a server that its metrics show. */
import { Counters } from '../../observe/counters/counters.js';
import { NO_SECONDARIES } from '../../observe/metrics/secondary-facts.js';
import { NO_RELOADS, type ServerFacts, sessionFacts, type ZoneFacts } from '../../observe/metrics/server-facts.js';
import { NO_SIGNING } from '../../observe/metrics/signing-facts.js';
import { NO_NOTIFIES, NO_TRANSFERS } from '../../observe/metrics/transfer-facts.js';
import { wallTime } from '../../session/clock.js';
import { ConnectionLimits } from '../../session/limits.js';
import { isValidAt } from '../../tls/certificate-dates.js';
import { planeProblems } from '../plane/plane-problems.js';
import { threadCpu } from '../process/thread-cpu.js';
import type { Server } from '../server.js';
import { loaderCpuSeconds } from '../zones/load-zones.js';
import type { ZoneStatus } from '../zones/zone-outcome.js';
import { statusOfAll } from '../zones/zone-ties.js';

/** `logLinesLost`: lines of the log that could not be written. `server`: undefined while it starts. */
export function metricsFacts(version: string, logLinesLost: number, server: Server | undefined): ServerFacts {
  return { ...(server === undefined ? STARTING : factsOf(server)), version, logLinesLost };
}

type Facts = Omit<ServerFacts, 'version' | 'logLinesLost'>;

const NO_CERTIFICATES = { served: 0, kept: 0, failed: 0, held: 0 };
const NO_SESSIONS = { open: 0, limit: 0, idleTime: 0, keepalive: 0 };

const STARTING: Facts = {
  state: 'starting',
  counters: new Counters(),
  plane: { path: 'embedded', udpWorkers: 0, streamWorkers: 0, restarts: 0, streams: 'node' },
  cpu: { control: 0, loader: 0, udp: 0, stream: 0 },
  sessions: NO_SESSIONS,
  zones: [],
  reloads: {
    zones: NO_RELOADS,
    certificates: NO_RELOADS,
    ticket_keys: NO_RELOADS,
    client_cas: NO_RELOADS,
    config: NO_RELOADS,
  },
  certificates: [],
  tap: undefined,
  problems: 0,
  certificateStates: NO_CERTIFICATES,
  transfers: NO_TRANSFERS,
  notifies: NO_NOTIFIES,
  secondaries: NO_SECONDARIES,
  signing: NO_SIGNING,
  updates: new Map(),
  catalogs: [],
};

function factsOf(server: Server): Facts {
  const { state, plane, loaded, keeper, reloader, tlsService, tap, transfersOut, life } = server;
  const { connections, shared, sessions } = plane.settings;
  const now = new Date(wallTime());
  return {
    state,
    counters: plane.counters(),
    plane: plane.status,
    cpu: { control: (threadCpu(process.pid) || 0) / 1000, loader: loaderCpuSeconds(), ...plane.cpu() },
    sessions: sessionFacts(new ConnectionLimits(connections, shared), sessions, state),
    zones: statusOfAll(loaded, keeper).map(zoneFacts),
    reloads: reloader.facts,
    certificates: (tlsService?.certificates ?? []).map((certificate) => {
      const { certFile: file, notAfter } = certificate;
      return { file, notAfter: notAfter.getTime() / 1000, valid: isValidAt(certificate, now) };
    }),
    tap,
    problems: problemCount(server),
    catalogs: life.catalogs.followed().map(({ zone, state: what, members }) => ({ zone, state: what, members })),
    certificateStates: tlsService?.pairs ?? NO_CERTIFICATES,
    transfers: transfersOut.facts(plane.settings),
    notifies: life.notifier.counts,
    secondaries: life.secondaries.facts,
    signing: life.signing?.known.figures ?? NO_SIGNING,
    updates: life.updates,
  };
}

function problemCount({ plane, reloader, life: { secondaries, catalogs, signing } }: Server): number {
  const ofZones = [secondaries.problems, catalogs.problems, signing?.known.problems ?? []];
  const lists = [reloader.problems, planeProblems(plane.status), ...ofZones];
  return lists.reduce((sum, list) => sum + list.length, 0);
}

function zoneFacts(status: ZoneStatus): ZoneFacts {
  const { name, state, serial, records, octets, loadedAt, milliseconds, signaturesExpire } = status;
  return {
    name,
    state,
    serial: state === 'failed' ? undefined : serial,
    records,
    imageBytes: octets,
    loadSeconds: milliseconds / 1000,
    loadedAt,
    signaturesExpire,
  };
}
