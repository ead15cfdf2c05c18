/** How many clients there were on each day, by transport. */
import { type ClientDay, sketchOf } from './client-day.js';
import { estimateOf, mergeSketches } from './hyper-log-log.js';
import { TRANSPORT_NAMES } from './measures.js';

const DAY = 86_400;

type TransportName = (typeof TRANSPORT_NAMES)[number];
const ENCRYPTED: readonly TransportName[] = ['starttls', 'tls'];

export interface ClientsOfDay {
  /** `2026-11-30`, in UTC. */
  readonly day: string;
  /** By transport: estimates within some 2 %. */
  readonly clients: Readonly<Record<string, number>>;
  /** Clients of any transport: one that used several counts once. */
  readonly all: number;
  /** Clients that asked inside TLS, on its own port or after STARTTLS. */
  readonly inside: number;
  /** Sketches that could not be put together, since they have keys of their own: a client may count once for each. */
  readonly keys: number;
}

/** The sketches of any number of days and servers, day by day. */
export function clientsByDay(days: readonly ClientDay[]): ClientsOfDay[] {
  const merged = new Map<string, ClientDay>();
  for (const day of days) {
    const key = `${day.day} ${day.mark}`;
    const sketches = Uint8Array.from(merged.get(key)?.sketches ?? day.sketches);
    mergeSketches(sketches, day.sketches);
    merged.set(key, { ...day, sketches });
  }
  const numbers = [...new Set(days.map(({ day }) => day))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const own = [...merged.values()].filter(({ day }) => day === number);
    const sum = (estimate: (day: ClientDay) => number): number => own.reduce((all, day) => all + estimate(day), 0);
    return {
      day: new Date(number * DAY * 1000).toISOString().slice(0, 10),
      clients: Object.fromEntries(
        TRANSPORT_NAMES.map((name, transport) => [name, sum((day) => estimateOf(sketchOf(day, transport)))]),
      ),
      all: sum((day) => estimateOfAny(day, TRANSPORT_NAMES)),
      inside: sum((day) => estimateOfAny(day, ENCRYPTED)),
      keys: own.length,
    };
  });
}

/** The clients that used at least one of these transports. */
function estimateOfAny(day: ClientDay, names: readonly TransportName[]): number {
  const [first, ...others] = names.map((name) => sketchOf(day, TRANSPORT_NAMES.indexOf(name)));
  const any = Uint8Array.from(first!);
  for (const other of others) mergeSketches(any, other);
  return estimateOf(any);
}
