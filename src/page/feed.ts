/** The stream of the server's events: receives it, and notices when it falls silent. */
import type { Overview, Point, ShownEvent } from './contract.js';

interface Listener {
  overview(overview: Overview): void;
  /** Points of the last minutes, on each new connection. */
  points(points: readonly Point[]): void;
  /** `isAnew`: all lines, on each new connection. */
  log(events: readonly ShownEvent[], isAnew: boolean): void;
  /** The connection is gone; it is tried again. */
  lost(): void;
}

/** Milliseconds until a connection that was refused is tried again. */
const PAUSE = 5000;

export function listen(listener: Listener): void {
  const source = new EventSource('page/events');
  let isAnew = true;
  source.addEventListener('points', (event) => listener.points(JSON.parse(event.data) as Point[]));
  source.addEventListener('log', (event) => {
    listener.log(JSON.parse(event.data) as ShownEvent[], isAnew);
    isAnew = false;
  });
  source.addEventListener('overview', (event) => listener.overview(JSON.parse(event.data) as Overview));
  source.addEventListener('open', () => {
    isAnew = true;
  });
  source.addEventListener('error', () => {
    listener.lost();
    // A connection that breaks is tried again by the browser; one that is refused is not.
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(() => listen(listener), PAUSE);
  });
}
