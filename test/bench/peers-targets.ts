/** The targets of adotd beside its peers, and whether they are met. */
import { median } from './measure.js';
import { PACED } from './peers-loads.js';
import { type Results, ratioOf } from './peers-results.js';

interface Verdict {
  readonly what: string;
  readonly target: string;
  readonly found: string;
  readonly verdict: 'met' | 'tolerable' | 'missed' | 'not measured';
}

/** A multiple of a peer's CPU per query. */
interface RatioTarget {
  readonly section: string;
  readonly load: string;
  readonly what: string;
  readonly peer: string;
  /** At the most. */
  readonly target: number;
  /** Missed, but good enough. */
  readonly tolerable: number;
}

const RATIOS: readonly RatioTarget[] = [
  ...udp('unsigned', 'UDP', 'NSD', 0.9, 1),
  ...udp('unsigned', 'UDP', 'Knot', 1, 1.1),
  ...udp('signed', 'UDP, signed zone with DO', 'NSD', 1, 1),
  ...udp('signed', 'UDP, signed zone with DO', 'Knot', 1, 1),
  { section: 'unsigned', load: 'tcp', what: 'TCP, pipelined', peer: 'NSD', target: 0.2, tolerable: 0.4 },
  { section: 'unsigned', load: 'tls', what: 'TLS, pipelined', peer: 'NSD', target: 0.4, tolerable: 0.6 },
  { section: 'unsigned', load: 'tcp-single', what: 'TCP, one outstanding', peer: 'NSD', target: 0.55, tolerable: 1 },
  { section: 'unsigned', load: 'tcp-single', what: 'TCP, one outstanding', peer: 'Knot', target: 0.9, tolerable: 1 },
  { section: 'unsigned', load: 'tls-single', what: 'TLS, one outstanding', peer: 'NSD', target: 0.65, tolerable: 1 },
  ...paced('udp', 'UDP', 1),
  ...paced('tcp', 'TCP', 1.2),
  ...paced('tls', 'TLS', 1.3),
];

/** Targets without a peer: seconds, octets, milliseconds, milliseconds a second. */
const MANY_ZONES_LOADED = 1.5;
const MANY_ZONES_MEMORY = 100e6;
const LATEST_ANSWER = 20;
const IDLE_CPU = 1;

function udp(section: string, what: string, peer: string, target: number, tolerable: number): [RatioTarget] {
  return [{ section, load: 'udp', what: `${what}, saturated`, peer, target, tolerable }];
}

function paced(transport: string, what: string, target: number): RatioTarget[] {
  return PACED.filter((load) => load.transport === transport).map(({ id, rate = 0 }) => ({
    section: 'unsigned',
    load: id,
    what: `${what}, ${rate.toLocaleString('en')} a second`,
    peer: 'NSD',
    target,
    tolerable: target,
  }));
}

/** One verdict for each target. */
export function verdictsOf(results: Results): Verdict[] {
  const ratios = RATIOS.map((target) => ratioVerdict(results, target));
  return [...ratios, idle(results), ...manyZones(results), ...reload(results)];
}

function ratioVerdict(results: Results, { section, load, what, peer, target, tolerable }: RatioTarget): Verdict {
  const ratio = ratioOf(results.sections[section]?.rows[load], peer)?.median;
  const bound = tolerable > target ? `${target.toFixed(2)} (tolerable: ${tolerable.toFixed(2)})` : target.toFixed(2);
  return {
    what: `CPU per query, ${what}: multiple of ${peer}'s`,
    target: `at most ${bound}`,
    found: ratio === undefined ? '' : ratio.toFixed(2),
    verdict: judge(ratio, target, tolerable),
  };
}

function judge(found: number | undefined, target: number, tolerable: number): Verdict['verdict'] {
  if (found === undefined || !Number.isFinite(found)) return 'not measured';
  if (found <= target) return 'met';
  return found <= tolerable ? 'tolerable' : 'missed';
}

function idle({ idle: figures }: Results): Verdict {
  const own = figures?.adotd && median(figures.adotd.map(({ cpu }) => cpu));
  return {
    what: 'CPU of an idle server, a second',
    target: `at most ${IDLE_CPU} ms`,
    found: own === undefined ? '' : `${own.toFixed(2)} ms`,
    verdict: judge(own, IDLE_CPU, IDLE_CPU),
  };
}

function manyZones({ starts, emptyMemory }: Results): Verdict[] {
  const start = starts.many?.servers.adotd;
  const title = starts.many?.title ?? '100,000 records in 10,000 zones';
  const memory = start && emptyMemory !== undefined ? start.memory - emptyMemory : undefined;
  return [
    {
      what: `${title}: answered after start`,
      target: `within ${MANY_ZONES_LOADED} s`,
      found: start === undefined ? '' : `${start.loading.toFixed(2)} s`,
      verdict: judge(start?.loading, MANY_ZONES_LOADED, MANY_ZONES_LOADED),
    },
    {
      what: `${title}: memory beyond that of a server with one small zone`,
      target: `at most ${MANY_ZONES_MEMORY / 1e6} MB`,
      found: memory === undefined ? '' : `${(memory / 1e6).toFixed(0)} MB`,
      verdict: judge(memory, MANY_ZONES_MEMORY, MANY_ZONES_MEMORY),
    },
  ];
}

function reload({ reloads }: Results): Verdict[] {
  const own = reloads.adotd ?? [];
  const lost = own.length === 0 ? undefined : own.reduce((sum, one) => sum + one.lost + one.wrong, 0);
  // An answer can be late without a reload too.
  const later = own.length === 0 ? undefined : median(own.map((one) => Math.max(0, one.latest - one.latestBefore)));
  return [
    {
      what: 'Reload while answering: queries lost or answered with an error',
      target: 'none',
      found: lost === undefined ? '' : String(lost),
      verdict: judge(lost, 0, 0),
    },
    {
      what: 'Reload while answering: the latest answer, later than the latest one before (median of the reloads)',
      target: `at most ${LATEST_ANSWER} ms`,
      found: later === undefined ? '' : `${later.toFixed(1)} ms`,
      verdict: judge(later, LATEST_ANSWER, LATEST_ANSWER),
    },
  ];
}
