/** The last lines of the log, for the page and `adotd ctl top`: those of mistakes are not pushed out by others. */
import type { Log, ServerLog } from '../../observe/log.js';
import type { ShownEvent } from '../../page/contract.js';

/** Lines that are kept of each kind: mistakes and warnings, and others. A guess. */
const KEPT = 100;
/** Characters of a line. */
const MAX_TEXT = 500;

type Level = ShownEvent['level'];

export class RecentEvents {
  readonly #kept: { readonly quiet: ShownEvent[]; readonly loud: ShownEvent[] } = { quiet: [], loud: [] };
  readonly #now: () => number;
  #count = 0;

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Number of lines so far. */
  get count(): number {
    return this.#count;
  }

  note(level: Level, text: string): void {
    const lines = level === 'info' ? this.#kept.quiet : this.#kept.loud;
    const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
    lines.push({ number: ++this.#count, at: this.#now(), level, text: shown });
    if (lines.length > KEPT) lines.shift();
  }

  /** Those behind number `number`, in their order. */
  after(number: number): ShownEvent[] {
    const { quiet, loud } = this.#kept;
    return [...quiet, ...loud].filter((event) => event.number > number).sort((a, b) => a.number - b.number);
  }
}

/** The log; its lines are noted as well, at any level of the log. Lines of level `debug` are not. */
export function notedLog(log: ServerLog, events: RecentEvents): ServerLog {
  const noted =
    (level: Level): Log['info'] =>
    (fields, message) => {
      events.note(level, message);
      log[level](fields, message);
    };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: noted('info'),
    warn: noted('warn'),
    error: noted('error'),
    get level() {
      return log.level;
    },
    set level(next) {
      log.level = next;
    },
    get lost() {
      return log.lost;
    },
  };
}
