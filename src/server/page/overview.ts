/** What the page shows of a server at a moment. */
import { Transport } from '../../answer/facts.js';
import type { Counters } from '../../observe/counters/counters.js';
import { type Overview, type Point, PointColumn } from '../../page/contract.js';
import { type Figures, figuresOf } from '../../report/figures.js';
import { BLOCKS } from '../../report/measures.js';
import { ConnectionLimits } from '../../session/limits.js';
import { SessionPath } from '../../session/session-end.js';
import { healthOf } from '../control/health.js';
import { problemsOf } from '../control/problems.js';
import { cellsNow } from '../evidence/cells-now.js';
import type { Server } from '../server.js';

interface Basics {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The name of the server. */
  readonly server: string;
  readonly version: string;
  /** Seconds since 1970. */
  readonly since: number;
}

/** `running`: undefined while it starts. */
export function overviewOf(running: Server | undefined, basics: Basics): Overview {
  if (running === undefined) return { ...basics, state: 'starting' };
  const { state, zoneCounts: zones, reloader, plane, counters } = running;
  const limits = new ConnectionLimits(plane.settings.connections, plane.settings.shared);
  const cells = cellsNow(running);
  const figures = figuresOf(cells);
  const known = {
    ...basics,
    state,
    zones,
    certificates: (running.tlsService?.certificates ?? []).map(({ certFile, names, notBefore, notAfter }) => {
      return { file: certFile, names, begins: notBefore.getTime() / 1000, expires: notAfter.getTime() / 1000 };
    }),
    problems: problemsOf(running),
    restart: reloader.restart,
    reloads: reloader.tally,
    sessions: { open: limits.open, limit: limits.capacity },
    memory: process.memoryUsage.rss(),
    clients: clientsOf(counters),
    figures,
    point: pointOf(basics.at, figures, cells),
  };
  return { ...known, health: healthOf(known, basics.at / 1000) };
}

function clientsOf(counters: Counters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Transport).map(([name, transport]) => [name.toLowerCase(), counters.clients(transport)]),
  );
}

/** `cells`: what the figures were made of. */
export function pointOf(at: number, { transports, handshakes }: Figures, cells: ReadonlyMap<number, number>): Point {
  const open = (path: SessionPath): number => cells.get(BLOCKS.open.id + path) ?? 0;
  const sum = (key: 'full' | 'resumed' | 'failed'): number =>
    Object.values(handshakes).reduce((all, { [key]: count }) => all + count, 0);
  const point: number[] = [];
  point[PointColumn.AT] = at;
  point[PointColumn.UDP] = transports.udp?.queries ?? 0;
  point[PointColumn.TCP] = transports.tcp?.queries ?? 0;
  point[PointColumn.STARTTLS] = transports.starttls?.queries ?? 0;
  point[PointColumn.TLS] = transports.tls?.queries ?? 0;
  point[PointColumn.OPEN_TCP] = open(SessionPath.TCP);
  point[PointColumn.OPEN_STARTTLS] = open(SessionPath.STARTTLS);
  point[PointColumn.OPEN_TLS] = open(SessionPath.TLS);
  point[PointColumn.FULL] = sum('full');
  point[PointColumn.RESUMED] = sum('resumed');
  point[PointColumn.FAILED] = sum('failed');
  return point;
}
