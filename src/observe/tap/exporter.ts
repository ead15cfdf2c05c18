/** Turns records into lines of the log, lines of a file, or frames of dnstap. */
import { PbfWriter } from 'pbf';
import type { Log } from '../log.js';
import { type DnstapSettings, dnstapEncoder } from './dnstap.js';
import type { Sink } from './outbox.js';
import { QUERY_MESSAGE, queryFields, queryLine } from './query-line.js';
import { type TapRecord, Target } from './record.js';

/** Octets at which a batch is handed over: large enough to need few calls, small enough to lose. A guess. */
const BATCH_OCTETS = 256 * 1024;

/** Takes the records of its target. No call throws or waits. */
export interface Exporter {
  /** A bit of Target. */
  readonly target: number;
  take(record: TapRecord): void;
  /** Hands over the records taken since the last call. */
  flush(): void;
  /** Records lost since this was last asked. */
  takeLost(): number;
  close(): Promise<void>;
}

/** Lines of the server's log, at the level info. */
export function logExporter(log: Pick<Log, 'info' | 'lost'>): Exporter {
  let lost = 0;
  return {
    target: Target.QUERY_LOG,
    take(record) {
      const before = log.lost ?? 0;
      log.info(queryFields(record), QUERY_MESSAGE);
      // Within the call, no other line is written.
      lost += (log.lost ?? 0) - before;
    },
    flush() {},
    takeLost() {
      const since = lost;
      lost = 0;
      return since;
    },
    close: async () => {},
  };
}

/** Stands for a file that could not be opened: every record is lost. */
export function absentExporter(target: number): Exporter {
  let lost = 0;
  return {
    target,
    take() {
      lost++;
    },
    flush() {},
    takeLost() {
      const since = lost;
      lost = 0;
      return since;
    },
    close: async () => {},
  };
}

/** Lines of a file, which are ASCII. */
export function lineExporter(sink: Sink): Exporter {
  let lines: string[] = [];
  let characters = 0;
  const flush = (): void => {
    if (lines.length === 0) return;
    sink.write({ octets: Buffer.from(lines.join(''), 'latin1'), records: lines.length });
    lines = [];
    characters = 0;
  };
  return {
    target: Target.QUERY_LOG,
    take(record) {
      if (!sink.hasRoom) {
        sink.lose(1);
        return;
      }
      const line = queryLine(record);
      lines.push(line);
      characters += line.length;
      if (characters >= BATCH_OCTETS) flush();
    },
    flush,
    takeLost: () => sink.takeLost(),
    close: () => sink.close(),
  };
}

/** Frames of dnstap. */
export function dnstapExporter(sink: Sink, settings: DnstapSettings): Exporter {
  const frames = new PbfWriter(new Uint8Array(2 * BATCH_OCTETS));
  const encode = dnstapEncoder(settings);
  let records = 0;
  const flush = (): void => {
    if (frames.pos > 0) sink.write({ octets: frames.buf.slice(0, frames.pos), records });
    frames.pos = 0;
    records = 0;
  };
  return {
    target: Target.DNSTAP,
    take(record) {
      if (!sink.hasRoom) {
        sink.lose(1);
        return;
      }
      if (encode(frames, record) > 0) records++;
      if (frames.pos >= BATCH_OCTETS) flush();
    },
    flush,
    takeLost: () => sink.takeLost(),
    close: () => sink.close(),
  };
}
