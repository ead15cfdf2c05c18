/** The overview of a server at a moment, for the page. */
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

/** Looks at all zones may take this part of the time: with thousands of zones, one look is used for some seconds. */
const PART = 200;

/** The result of a look at all zones. */
interface ZonesFound {
  readonly zones: Server['zoneCounts'];
  readonly problems: readonly string[];
  /** Milliseconds since 1970. */
  readonly zonesAt: number;
}

/** Looks at all zones. After a look that took long, its result is kept for a while. */
export class ZonesLook {
  #found: ZonesFound | undefined;
  /** By a clock that never runs backwards, in milliseconds: when it is time for another look. */
  #due = 0;

  found(server: Server, at: number): ZonesFound {
    const began = performance.now();
    if (this.#found !== undefined && began < this.#due) return this.#found;
    this.#found = { zones: server.zoneCounts, problems: problemsOf(server), zonesAt: at };
    const now = performance.now();
    this.#due = now + (now - began) * PART;
    return this.#found;
  }
}

/** `running`: undefined while it starts. */
export function overviewOf(running: Server | undefined, basics: Basics, look: ZonesLook): Overview {
  if (running === undefined) return { ...basics, state: 'starting' };
  const { state, reloader, plane, counters } = running;
  const limits = new ConnectionLimits(plane.settings.connections, plane.settings.shared);
  const cells = cellsNow(running);
  const figures = figuresOf(cells);
  const known = {
    ...basics,
    state,
    ...look.found(running, basics.at),
    certificates: (running.tlsService?.certificates ?? []).map(({ certFile, names, notBefore, notAfter }) => {
      return { file: certFile, names, begins: notBefore.getTime() / 1000, expires: notAfter.getTime() / 1000 };
    }),
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

/** `cells`: the counts that the figures were made from. */
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
