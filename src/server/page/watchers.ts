/**
 * The viewers of the page: each has a stream of server-sent events (the HTML standard, section 9.2). The events are made once a second for
 * all of them, and only while there are watchers. A watcher who reads too slowly is cut off, so that memory does not grow.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Overview, Point, ShownEvent } from '../../page/contract.js';
import type { Clock, Timer } from '../../session/clock.js';

/** Watchers at once: far more than people who operate a server. A guess; further ones get 503. */
export const MAX_WATCHERS = 16;
/** Milliseconds from one event to the next. */
const PERIOD = 1000;
/** Points for a watcher who comes later: those of five minutes. */
const MAX_POINTS = 300;
/** Octets that wait for a watcher: at first a hundred kilobytes may. Beyond it, the watcher is cut off. */
const MAX_WAITING = 262_144;
/** Milliseconds after which a browser tries again by itself. */
const RETRY = 2000;

interface WatchersParts {
  overview(): Overview;
  /** Lines of the log behind the one with this number. */
  events(after: number): readonly ShownEvent[];
  readonly clock: Pick<Clock, 'timer'>;
}

export class Watchers {
  readonly #parts: WatchersParts;
  readonly #open = new Set<ServerResponse>();
  readonly #timer: Timer;
  #points: Point[] = [];
  /** The last line of the log that was sent. */
  #last = 0;

  constructor(parts: WatchersParts) {
    this.#parts = parts;
    this.#timer = parts.clock.timer(() => this.#tick());
  }

  get count(): number {
    return this.#open.size;
  }

  /** Answers a request for the stream; `headers`: those that every response of the page has. */
  answer(request: IncomingMessage, response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    if (this.#open.size >= MAX_WATCHERS) {
      response.writeHead(503, { ...headers, 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '10' });
      response.end(`${MAX_WATCHERS} others watch already\n`);
      return;
    }
    // Proxies of nginx's kind would collect events.
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
    request.resume();
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    if (this.#open.size === 0) this.#begin();
    this.#open.add(response);
    response.on('close', () => this.#leave(response));
    response.on('error', () => response.destroy());
    this.#send(
      [response],
      `retry: ${RETRY}\n\n`,
      eventOf('points', this.#points),
      eventOf('log', this.#parts.events(0)),
    );
    this.#send([response], eventOf('overview', this.#look()));
  }

  close(): void {
    this.#timer.clear();
    for (const response of this.#open) response.end();
    this.#open.clear();
  }

  #begin(): void {
    this.#points = [];
    this.#last = this.#parts.events(0).at(-1)?.number ?? 0;
    this.#timer.set(PERIOD);
  }

  #leave(response: ServerResponse): void {
    this.#open.delete(response);
    if (this.#open.size === 0) this.#timer.clear();
  }

  #tick(): void {
    this.#timer.set(PERIOD);
    const overview = this.#look();
    if (overview.state !== 'starting') {
      this.#points.push(overview.point);
      if (this.#points.length > MAX_POINTS) this.#points.shift();
    }
    const lines = this.#parts.events(this.#last);
    this.#last = lines.at(-1)?.number ?? this.#last;
    const log = lines.length > 0 ? [eventOf('log', lines)] : [];
    this.#send([...this.#open], ...log, eventOf('overview', overview));
  }

  #look(): Overview {
    return this.#parts.overview();
  }

  #send(responses: readonly ServerResponse[], ...texts: readonly string[]): void {
    const octets = Buffer.from(texts.join(''));
    for (const response of responses) {
      if (response.writableLength + octets.length > MAX_WAITING) response.destroy();
      else response.write(octets);
    }
  }
}

/** JSON has no line ends. */
function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
