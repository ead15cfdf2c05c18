/** The last lines of the log, the newest first. */
import type { ShownEvent } from './contract.js';
import { create, setText } from './dom.js';

/** Lines that are shown. */
const MOST = 200;

interface EventsView {
  /** `isAnew`: these are all lines, in place of those before. */
  add(events: readonly ShownEvent[], isAnew: boolean): void;
}

export function eventsView(place: HTMLElement): EventsView {
  const loud = create('input', { type: 'checkbox' });
  const note = create('span', { class: 'note' });
  const tools = create('div', { class: 'tools' }, create('label', {}, loud, ' only warnings and errors'), note);
  const list = create('ol', { class: 'events', tabindex: '0', 'aria-label': 'Events, the newest first' });
  place.append(tools, list);
  let known: readonly ShownEvent[] = [];
  const show = (): void => {
    const shown = known.filter(({ level }) => !loud.checked || level !== 'info');
    list.replaceChildren(...shown.map(lineOf).reverse());
    setText(note, shown.length === 0 ? 'There are none.' : '');
  };
  loud.addEventListener('change', show);
  return {
    add(events, isAnew) {
      // A page that connects between two events of the stream gets a line twice.
      const newest = isAnew ? 0 : (known.at(-1)?.number ?? 0);
      const others = events.filter(({ number }) => number > newest);
      known = (isAnew ? others : [...known, ...others]).slice(-MOST);
      show();
    },
  };
}

function lineOf({ at, level, text }: ShownEvent): HTMLLIElement {
  const when = new Date(at);
  const time = create('time', { datetime: when.toISOString() }, when.toLocaleString());
  const mark =
    level === 'info' ? [] : [create('strong', { class: level === 'error' ? 'bad' : 'doubtful' }, `${level}: `)];
  return create('li', {}, time, create('span', { class: 'line' }, ...mark, text));
}
