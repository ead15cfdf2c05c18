/** Metrics of the server: its threads, zones, reloads and certificates. */
import { type Metric, type MetricsInput, single } from './metric.js';
import {
  CERTIFICATE_STATES,
  RELOAD_KINDS,
  type ServerState,
  THREAD_KINDS,
  ZONE_STATES,
  type ZoneFacts,
} from './server-facts.js';

const STATES: readonly ServerState[] = ['starting', 'ready', 'draining'];
const ZONE = { zone: 'name of the zone, for the first `metrics.zones` zones' };

/** A series for each zone that has series of its own and a number to show. */
function byZone(read: (zone: ZoneFacts) => number | undefined) {
  return function* ({ server, zoneLimit }: MetricsInput): Generator<readonly [readonly string[], number]> {
    for (const zone of server.zones.slice(0, zoneLimit)) {
      const value = read(zone);
      if (value !== undefined) yield [[zone.name], value];
    }
  };
}

/** The sum over all zones. */
function overZones(read: (zone: ZoneFacts) => number) {
  return ({ server }: MetricsInput) => single(server.zones.reduce((sum, zone) => sum + read(zone), 0));
}

/** Reads a fact about the content of a zone. A zone that failed has none. */
function loaded(read: (zone: ZoneFacts) => number | undefined) {
  return (zone: ZoneFacts): number | undefined => (zone.state === 'failed' ? undefined : read(zone));
}

export const SERVER_METRICS: readonly Metric[] = [
  {
    name: 'adotd_build_info',
    type: 'gauge',
    help: 'Always 1.',
    labels: {
      version: 'of adotd',
      node_version: 'of Node.js',
      data_plane: '`threads` or `embedded`',
      streams: 'what TCP and TLS run on, `epoll` or `node`',
    },
    read: ({ server }) => [[[server.version, process.version, server.plane.path, server.plane.streams], 1]],
  },
  {
    name: 'adotd_state',
    type: 'gauge',
    help: '1 for the current state of the server, 0 for the others.',
    labels: { state: STATES.map((state) => `\`${state}\``).join(', ') },
    read: ({ server }) => STATES.map((state) => [[state], server.state === state ? 1 : 0] as const),
  },
  {
    name: 'adotd_workers',
    type: 'gauge',
    help: 'Threads that answer. 0 when everything runs embedded.',
    labels: { kind: '`udp`, `stream`' },
    read: ({ server: { plane } }) => [
      [['udp'], plane.udpWorkers],
      [['stream'], plane.streamWorkers],
    ],
  },
  {
    name: 'adotd_thread_cpu_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'CPU time by kind of thread, user and system. `udp` and `stream` answer; when everything runs embedded, `control` does. `other`: the helpers of Node.js, such as garbage collection.',
    labels: { kind: [...THREAD_KINDS, 'other'].map((kind) => `\`${kind}\``).join(', ') },
    read: ({ server: { cpu }, process }) => {
      const known = THREAD_KINDS.map((kind) => [[kind], cpu[kind]] as const);
      const other = process.cpuSeconds - known.reduce((sum, [, seconds]) => sum + seconds, 0);
      return [...known, [['other'], Math.max(0, other)]];
    },
  },
  {
    name: 'adotd_worker_restarts_total',
    type: 'counter',
    help: 'Threads that died or hung, and were replaced.',
    read: ({ server }) => single(server.plane.restarts),
  },
  {
    name: 'adotd_zones',
    type: 'gauge',
    help: 'Zones. `kept`: the file has errors, and an earlier version is served. `failed`: answered with SERVFAIL.',
    labels: { state: ZONE_STATES.map((state) => `\`${state}\``).join(', ') },
    read: ({ server }) =>
      ZONE_STATES.map((state) => [[state], server.zones.filter((zone) => zone.state === state).length] as const),
  },
  {
    name: 'adotd_zones_without_series',
    type: 'gauge',
    help: 'Zones beyond `metrics.zones`. They are in the sums only.',
    read: ({ server, zoneLimit }) => single(Math.max(0, server.zones.length - zoneLimit)),
  },
  {
    name: 'adotd_records',
    type: 'gauge',
    help: 'Records of all zones.',
    read: overZones((zone) => zone.records),
  },
  {
    name: 'adotd_image_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Memory of the images of all zones. All threads share it.',
    read: overZones((zone) => zone.imageBytes),
  },
  {
    name: 'adotd_zone_served',
    type: 'gauge',
    help: '1 if the zone is served from the current file, 0 if it is kept or has failed.',
    labels: ZONE,
    read: byZone((zone) => (zone.state === 'served' ? 1 : 0)),
  },
  {
    name: 'adotd_zone_serial',
    type: 'gauge',
    help: 'Serial of the served SOA record.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.serial)),
  },
  {
    name: 'adotd_zone_records',
    type: 'gauge',
    help: 'Served records.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.records)),
  },
  {
    name: 'adotd_zone_image_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Memory of the image of the zone.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.imageBytes)),
  },
  {
    name: 'adotd_zone_load_duration_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How long it took to load the served version.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.loadSeconds)),
  },
  {
    name: 'adotd_zone_loaded_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the served version was loaded.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.loadedAt)),
  },
  {
    name: 'adotd_zone_signatures_expire_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the first RRset of the served version loses its last DNSSEC signature. Only for zones with signatures.',
    labels: ZONE,
    read: byZone(loaded((zone) => zone.signaturesExpire)),
  },
  {
    name: 'adotd_reloads_total',
    type: 'counter',
    help: 'Loads and reloads. `failure`: something had errors, and its earlier version stayed.',
    labels: { what: RELOAD_KINDS.map((kind) => `\`${kind}\``).join(', '), result: '`success`, `failure`' },
    read: ({ server }) =>
      RELOAD_KINDS.flatMap((kind) => [
        [[kind, 'success'], server.reloads[kind].succeeded] as const,
        [[kind, 'failure'], server.reloads[kind].failed] as const,
      ]),
  },
  {
    name: 'adotd_reload_last_success_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When everything of this kind was last loaded without an error.',
    labels: { what: RELOAD_KINDS.map((kind) => `\`${kind}\``).join(', ') },
    read: ({ server }) =>
      RELOAD_KINDS.flatMap((kind) => {
        const { lastSuccess } = server.reloads[kind];
        return lastSuccess === undefined ? [] : [[[kind], lastSuccess] as const];
      }),
  },
  {
    name: 'adotd_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When a served certificate expires.',
    labels: { file: 'file of the certificate' },
    read: ({ server }) => server.certificates.map(({ file, notAfter }) => [[file], notAfter] as const),
  },
  {
    name: 'adotd_log_lines_lost_total',
    type: 'counter',
    help: 'Lines of the log that are lost, because nobody reads standard error, or it cannot be written.',
    read: ({ server }) => single(server.logLinesLost),
  },
  {
    name: 'adotd_query_records_lost_total',
    type: 'counter',
    help: 'Queries that were answered, but are missing in the query log or in dnstap.',
    labels: {
      reason:
        '`too_fast` (they came faster than they can be read), `query_log`, `dnstap` (the file or the reader did not take them)',
    },
    read: ({ server: { tap } }) =>
      tap === undefined
        ? []
        : [
            [['too_fast'], tap.dropped],
            [['query_log'], tap.queryLogLost],
            [['dnstap'], tap.dnstapLost],
          ],
  },
  {
    name: 'adotd_problems',
    type: 'gauge',
    help: 'Problems that `adotd ctl status` lists, without mistakes in zone files.',
    read: ({ server }) => single(server.problems),
  },
  {
    name: 'adotd_certificate_valid',
    type: 'gauge',
    help: '1 if a served certificate is valid now, 0 if it has expired or is not valid yet.',
    labels: { file: 'file of the certificate' },
    read: ({ server }) => server.certificates.map(({ file, valid }) => [[file], valid ? 1 : 0] as const),
  },
  {
    name: 'adotd_certificates',
    type: 'gauge',
    help: 'Certificates with their keys. `kept`: the files cannot be used, or not yet, and what they had before is served. `failed`: the files cannot be used, and nothing of them is served. `held`: what they had before is served until resolvers can know of the key that they have now.',
    labels: { state: CERTIFICATE_STATES.map((state) => `\`${state}\``).join(', ') },
    read: ({ server }) => CERTIFICATE_STATES.map((state) => [[state], server.certificateStates[state]] as const),
  },
];
