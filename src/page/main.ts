/** The page: receives the state of the server once a second, and shows it. */
import { type Overview, type Point, PointColumn, type RecordedWindow, type RunningOverview } from './contract.js';
import { byId, create, setShown, setText } from './dom.js';
import { eventsView } from './events-view.js';
import { listen } from './feed.js';
import {
  COST_HEADS,
  costNote,
  costRows,
  HANDSHAKE_HEADS,
  handshakeRows,
  SESSION_HEADS,
  sessionRows,
  TRANSPORT_HEADS,
  TRANSPORTS,
  transportRows,
} from './figure-rows.js';
import { countText, durationText } from './format.js';
import { plotView } from './plots.js';
import { ratesOf, type Series, sharesOf, valuesOf } from './points.js';
import { resolversView } from './resolvers-view.js';
import { stateWords } from './state-words.js';
import { tableView } from './table.js';
import { showZones } from './zones-view.js';

/** Seconds that the live plots show. */
const LIVE = 300;
/** Those that they show at first. */
const LEAST = 60;
/** Milliseconds without news after which the page counts as old. */
const SILENCE = 3500;
const QUERIES = TRANSPORTS.map(([, column]) => column);
const NAMES = TRANSPORTS.map(([name]) => name);
const OPEN = [PointColumn.OPEN_TCP, PointColumn.OPEN_STARTTLS, PointColumn.OPEN_TLS];
const HANDSHAKES = [PointColumn.FULL, PointColumn.RESUMED, PointColumn.FAILED];

const rates = plotView(byId('plot-rates'), {
  names: NAMES,
  colours: NAMES,
  isStacked: true,
  unit: '/s',
  label: 'Queries a second by transport over time; the table below has the figures',
});
const shares = plotView(byId('plot-shares'), {
  names: NAMES,
  colours: NAMES,
  isStacked: true,
  unit: ' %',
  most: 100,
  label: 'Share of each transport over time; the table below has the figures',
});
const sessions = plotView(byId('plot-sessions'), {
  names: NAMES.slice(1),
  colours: NAMES.slice(1),
  isStacked: true,
  unit: '',
  label: 'Open sessions over time; the table below has the figures',
});
const handshakes = plotView(byId('plot-handshakes'), {
  names: ['full', 'resumed', 'failed'],
  colours: ['udp', 'tls', 'failed'],
  isStacked: false,
  unit: '/s',
  label: 'Handshakes a second over time; the table below has the figures',
});
const transportTable = tableView(byId('table-transports'), 'Queries by transport', TRANSPORT_HEADS, '');
const costTable = tableView(byId('table-cost'), 'CPU a query by transport', COST_HEADS, '');
const sessionTable = tableView(byId('table-sessions'), 'Sessions by path', SESSION_HEADS, '');
const handshakeTable = tableView(byId('table-handshakes'), 'Handshakes by path', HANDSHAKE_HEADS, '');
const resolvers = resolversView(byId('resolvers-note'), byId('table-resolvers'));
const events = eventsView(byId('events'));

let live: Point[] = [];
let last: Overview | undefined;
/** When it was heard, by performance.now(). */
let heard = 0;
let recorded: RecordedWindow | undefined;
/** Whether the last attempt to read it failed. */
let isUnread = false;
/** Seconds of the window that is chosen; 0: live. */
let chosen = 0;

function showState(overview: Overview): void {
  const { level, word, parts } = stateWords(overview);
  setText(byId('server'), `${overview.server}, adotd ${overview.version}`);
  document.title = `${word}: ${overview.server}`;
  byId('state').className = `state ${level}`;
  setText(byId('word'), word);
  setText(byId('parts'), parts.join(' · '));
  const problems = overview.state === 'starting' ? [] : [...restartLine(overview), ...overview.problems];
  const list = byId('problems');
  setShown(list, problems.length > 0);
  if (list.dataset.shown !== problems.join('\n')) {
    list.dataset.shown = problems.join('\n');
    list.replaceChildren(...problems.map((text) => create('li', {}, text)));
  }
}

function restartLine({ restart }: RunningOverview): string[] {
  return restart.length === 0 ? [] : [`A restart is needed, so that these changes take effect: ${restart.join(', ')}`];
}

/** Says how old the page is. */
function showAge(): void {
  const silent = performance.now() - heard;
  const isOld = last !== undefined && silent > SILENCE;
  document.body.classList.toggle('stale', isOld);
  const time = last === undefined ? '' : new Date(last.at).toLocaleTimeString();
  const looked = last === undefined || last.state === 'starting' ? undefined : last.zonesAt;
  const zones =
    last !== undefined && looked !== undefined && last.at - looked >= 1000
      ? `; zones and problems as of ${new Date(looked).toLocaleTimeString()}`
      : '';
  setText(byId('age'), last === undefined ? '' : `as of ${time} by the clock of the server${zones}`);
  const alarm = byId('alarm');
  setShown(alarm, isOld);
  if (isOld)
    setText(
      alarm,
      `Nothing was heard since ${time}, ${durationText(silent / 1000)} ago. What is shown is as old as that.`,
    );
}

function showFigures(): void {
  if (last === undefined || last.state === 'starting') return;
  const { figures, memory, point } = last;
  const window = chosen === 0 ? undefined : recorded;
  const shown = window?.figures ?? figures;
  transportTable.update(transportRows(shown, live));
  costTable.update(costRows(shown));
  setText(byId('cost-note'), costNote(shown, memory));
  sessionTable.update(sessionRows(shown, point));
  setText(
    byId('sessions-note'),
    `Connections: ${countText(last.sessions.open)} open, ${countText(last.sessions.limit)} at most.`,
  );
  handshakeTable.update(handshakeRows(shown));
  resolvers.show(last, window);
  setText(byId('window-note'), windowNote(last, window));
}

function windowNote({ since, at }: RunningOverview, window: RecordedWindow | undefined): string {
  if (chosen !== 0 && window === undefined)
    return isUnread
      ? 'This cannot be read now, or nothing is recorded: report.enabled. Tables: since the start.'
      : 'This is being read.';
  if (window === undefined)
    return `Plots: what was heard here of the last five minutes. Tables: since the start, ${durationText(at / 1000 - since)} ago.`;
  return `Plots and tables: ${new Date(window.from * 1000).toLocaleString()} to ${new Date(window.to * 1000).toLocaleString()}, as far as it was recorded.`;
}

function showPlots(): void {
  if (last === undefined) return;
  const window = chosen === 0 ? undefined : recorded;
  const now = last.at / 1000;
  const first = (live[0]?.[PointColumn.AT] ?? last.at) / 1000;
  const span = window ?? { from: Math.max(now - LIVE, Math.min(first, now - LEAST)), to: now };
  const counts = (columns: readonly number[]): Series =>
    window === undefined ? ratesOf(live, columns) : valuesOf(window.points, columns);
  const queries = counts(QUERIES);
  rates.show(queries, span);
  shares.show({ times: queries.times, values: sharesOf(queries.values) }, span);
  sessions.show(valuesOf(window?.points ?? live, OPEN), span);
  handshakes.show(counts(HANDSHAKES), span);
}

async function readWindow(): Promise<void> {
  const seconds = chosen;
  if (seconds === 0) return;
  const window = await recordedOf(seconds);
  if (seconds !== chosen) return;
  isUnread = window === undefined;
  recorded = window ?? recorded;
  showFigures();
  showPlots();
}

async function recordedOf(seconds: number): Promise<RecordedWindow | undefined> {
  try {
    const response = await fetch(`page/recorded?seconds=${seconds}`);
    return response.ok ? ((await response.json()) as RecordedWindow) : undefined;
  } catch {
    return undefined;
  }
}

function choose(seconds: number): void {
  chosen = seconds;
  recorded = undefined;
  isUnread = false;
  const length = seconds === 0 ? 3600 : seconds;
  for (const format of ['html', 'csv', 'json', 'txt'])
    byId(`report-${format}`).setAttribute('href', `page/report.${format}?seconds=${length}`);
  showFigures();
  showPlots();
  void readWindow();
}

byId('windows').addEventListener('change', (event) => {
  if (event.target instanceof HTMLInputElement) choose(Number(event.target.value));
});
setText(
  byId('times'),
  `Times are those of this browser's time zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`,
);
choose(0);
showZones(byId('zones'));
setInterval(showAge, 1000);
/** Milliseconds between two looks at the records; the server makes them anew less often. */
setInterval(() => void readWindow(), 20_000);
listen({
  points(points) {
    live = [...points];
  },
  overview(overview) {
    if (last !== undefined && last.version !== overview.version) location.reload();
    last = overview;
    heard = performance.now();
    if (overview.state !== 'starting') live = [...live, overview.point].slice(-LIVE - 1);
    showState(overview);
    showAge();
    showFigures();
    showPlots();
  },
  log: (lines, isAnew) => events.add(lines, isAnew),
  lost: showAge,
});
