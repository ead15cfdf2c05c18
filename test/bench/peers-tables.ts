/** The tables of the comparison, for the terminal and for the page. */
import { median } from './measure.js';
import { IDLE_WINDOW } from './peers-idle.js';
import {
  type Figure,
  type Results,
  type Row,
  ratioOf,
  type Section,
  type Spread,
  spreadOf,
  spreadOfField,
} from './peers-results.js';
import { verdictsOf } from './peers-targets.js';

export interface Table {
  readonly title: string;
  readonly note: string;
  /** The first row is the head. */
  readonly rows: readonly (readonly string[])[];
}

/** All tables that have something in them. */
export function tablesOf(results: Results): Table[] {
  const servers = Object.keys(results.versions);
  const tables = Object.values(results.sections).flatMap((section) => sectionTables(section, servers));
  tables.push(idleTable(results), startTable(results, servers), reloadTable(results), verdictTable(results));
  return tables.filter(({ rows }) => rows.length > 1);
}

function sectionTables(section: Section, servers: readonly string[]): Table[] {
  const rows = Object.values(section.rows);
  const present = servers.filter((server) => rows.some((row) => row.figures[server] !== undefined));
  return [cpuTable(section, present), detailTable(section, present)];
}

/** Load by server: CPU per query; adotd's as a multiple of the others'. */
function cpuTable(section: Section, servers: readonly string[]): Table {
  const peers = servers.filter((server) => server !== 'adotd');
  const ratios = servers.includes('adotd') ? peers : [];
  const head = ['load', ...servers.map((server) => `${server} µs`), ...ratios.map((peer) => `adotd / ${peer}`)];
  const rows = Object.values(section.rows).map((row) => [
    row.title,
    ...servers.map((server) => spreadText(spreadOfField(row, server, 'cpu'))),
    ...ratios.map((peer) => spreadText(ratioOf(row, peer))),
  ]);
  const note = [
    ...section.notes.map((text) => `${text}.`),
    'Server CPU per query: median (least–most) of the turns.',
    likenessText(section),
  ].join(' ');
  return { title: section.title, note: note.trim(), rows: [head, ...rows] };
}

/** The other figures by load and server. Medians. */
function detailTable(section: Section, servers: readonly string[]): Table {
  const head = ['load', 'server', 'user µs', 'kernel µs', 'queries/s', 'lost', 'octets', 'batch', 'wake-ups'];
  const rows = Object.values(section.rows).flatMap((row) =>
    servers.filter((server) => row.figures[server] !== undefined).map((server) => detailRow(row, server)),
  );
  const note =
    'Medians of the turns; user and kernel are means, because their clock is coarse. lost: queries of all turns. octets: mean length of the answers. batch: mean number of queries per receive call. wake-ups: times per query that a thread of the server was woken.';
  return { title: `${section.title}: details`, note, rows: [head, ...rows] };
}

function detailRow(row: Row, server: string): string[] {
  const figures = row.figures[server] ?? [];
  // JSON has no NaN: it is null there.
  const values = (field: keyof Figure): number[] => figures.map((figure) => figure[field] ?? Number.NaN);
  const middle = (field: keyof Figure): number => median(values(field));
  const mean = (field: keyof Figure): number => values(field).reduce((sum, value) => sum + value, 0) / figures.length;
  return [
    row.title,
    server,
    numberText(mean('user'), 2),
    numberText(mean('system'), 2),
    numberText(middle('perSecond'), 0),
    String(figures.reduce((sum, { lost }) => sum + lost, 0)),
    numberText(middle('octets'), 0),
    numberText(middle('batch'), 1),
    numberText(middle('wakeUps'), 2),
  ];
}

function idleTable({ idle = {} }: Results): Table {
  const rows = Object.entries(idle).map(([server, figures]) => [
    server,
    spreadText(spreadOf(figures.map(({ cpu }) => cpu))),
    spreadText(spreadOf(figures.map(({ wakeUps }) => wakeUps))),
  ]);
  return {
    title: 'Idle servers',
    note: `Servers that nobody asks, some seconds after a load: CPU of all their threads by the scheduler's clock, and how often one of them was woken. Median (least–most) of windows of ${IDLE_WINDOW} s.`,
    rows: [['server', 'CPU, ms a second', 'wake-ups a second'], ...rows],
  };
}

/** Seconds and memory by server, for the parts that measure only UDP and those with many records. */
function startTable({ starts, emptyMemory }: Results, servers: readonly string[]): Table {
  const rows = Object.values(starts).flatMap((world) =>
    servers.flatMap((server) => {
      const start = world.servers[server];
      if (start === undefined) return [];
      return [[world.title, server, start.loading.toFixed(2), (start.memory / 1e6).toFixed(0)]];
    }),
  );
  const empty = emptyMemory === undefined ? '' : ` adotd with one small zone: ${(emptyMemory / 1e6).toFixed(0)} MB.`;
  return {
    title: 'Start and memory',
    note: `Seconds from the start of the process, on one CPU, until all zones are answered, and memory at that moment (pages that processes share count once).${empty}`,
    rows: [['zones', 'server', 'seconds', 'MB'], ...rows],
  };
}

function reloadTable({ reloads }: Results): Table {
  const rows = Object.entries(reloads).map(([server, all]) => {
    const sum = (of: (one: (typeof all)[number]) => number): string => String(all.reduce((s, one) => s + of(one), 0));
    const ms = (of: (one: (typeof all)[number]) => number | undefined): string =>
      all.map((one) => of(one)?.toFixed(1) ?? 'never').join(', ');
    return [
      server,
      sum((one) => one.asked),
      sum((one) => one.lostBefore),
      sum((one) => one.lost),
      sum((one) => one.wrong),
      ms((one) => one.latestBefore),
      ms((one) => one.latest),
      ms((one) => one.took),
    ];
  });
  const head = [
    'server',
    'asked',
    'lost before',
    'lost',
    'errors',
    'latest before, ms',
    'latest during, ms',
    'new zone served after, ms',
  ];
  return {
    title: 'Reload of the zone under 20,000 queries a second',
    note: 'Figures for each reload. The server has one CPU, also for loading the zone. "Before" shows the delay that the measuring program itself adds.',
    rows: [head, ...rows.filter(([, asked]) => asked !== '0')],
  };
}

function verdictTable(results: Results): Table {
  const rows = verdictsOf(results).map(({ what, target, found, verdict }) => [what, target, found, verdict]);
  return { title: 'Targets', note: '', rows: [['what', 'target', 'found', ''], ...rows] };
}

/** Says how far the servers' answers are alike. */
function likenessText({ likeness }: Section): string {
  const peers = likeness.filter(({ server }) => server !== 'adotd');
  if (peers.length === 0) return '';
  const count = (of: (one: (typeof peers)[number]) => number): string => {
    const sums = new Map<string, number>();
    for (const one of peers) sums.set(one.server, (sums.get(one.server) ?? 0) + of(one));
    return [...sums].flatMap(([server, sum]) => (sum > 0 ? [`${server} ${sum}`] : [])).join(', ');
  };
  const asked = likeness.filter(({ server }) => server === peers[0]?.server).reduce((sum, one) => sum + one.asked, 0);
  const different = count((one) => one.different);
  const others = count((one) => one.otherSections);
  const first =
    different === ''
      ? `Of ${asked} answers compared with adotd's, RCODE, AA, TC and answer section are the same everywhere`
      : `Of ${asked} answers compared with adotd's, these numbers differ in RCODE, AA, TC or answer section: ${different}`;
  return `${first}${others === '' ? '' : `; in other sections: ${others}`}.`;
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined || !Number.isFinite(spread.median)) return '';
  return `${spread.median.toFixed(2)} (${spread.least.toFixed(2)}–${spread.most.toFixed(2)})`;
}

function numberText(value: number, digits: number): string {
  return Number.isFinite(value) && value !== 0 ? value.toFixed(digits) : '';
}
