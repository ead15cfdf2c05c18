/** Opens the page of a server. */
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import type { Overview, TopView } from '../../page/contract.js';
import { wallTime } from '../../session/clock.js';
import { version } from '../../version.js';
import type { Server } from '../server.js';
import { overviewOf, ZonesLook } from './overview.js';
import { createPage, type Page, type PageParts } from './page.js';
import { PAGE_FOLDER } from './page-files.js';
import type { RecentEvents } from './recent-events.js';

interface Running extends Pick<PageParts, 'server' | 'report'> {
  readonly events: RecentEvents;
}

/** `server`: undefined while it starts. */
export function openPage(config: Config, { server, report, events }: Running): Page {
  const overview = overviewNow(config, server);
  const hosts = new Set([hostname(), ...config.metrics.hosts].map((name) => name.toLowerCase()));
  return createPage({ folder: PAGE_FOLDER, overview, server, report, events: (after) => events.after(after), hosts });
}

/** Returns a function that makes the present overview of a server. */
function overviewNow({ hostname: name }: Pick<Config, 'hostname'>, server: () => Server | undefined) {
  const basics = {
    server: name ?? hostname(),
    version: version(),
    since: Math.floor(wallTime() / 1000 - process.uptime()),
  };
  const look = new ZonesLook();
  return (): Overview => overviewOf(server(), { ...basics, at: wallTime() }, look);
}

/** Returns a function that makes the present view for `adotd ctl top`. */
export function topViewNow(config: Pick<Config, 'hostname'>, server: Server, events: RecentEvents): () => TopView {
  const overview = overviewNow(config, () => server);
  return () => ({ overview: overview(), events: events.after(0) });
}
