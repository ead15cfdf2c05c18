/**
 * Sessions in the order in which something began: the order in which they time out. A doubly linked list through fields of
 * the sessions: entering, leaving and moving to the end take constant time and no memory.
 */

/** A member's links in a queue; a member has one place for each queue that it can be in at the same time. */
export interface Place<T> {
  readonly owner: T;
  queue: SessionQueue<T> | undefined;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
  /** Milliseconds of the clock when it entered, or entered again. */
  since: number;
}

/** A place that is in no queue. */
export function createPlace<T>(owner: T): Place<T> {
  return { owner, queue: undefined, before: undefined, after: undefined, since: 0 };
}

export class SessionQueue<T> {
  size = 0;
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;

  /** The member that entered first. */
  get first(): Place<T> | undefined {
    return this.#first;
  }

  /** Moves a member to the end of this queue, out of the one that it is in. `now` must not be less than at an earlier call. */
  enter(place: Place<T>, now: number): void {
    place.since = now;
    if (this.#last === place) return;
    leave(place);
    place.queue = this;
    place.before = this.#last;
    if (this.#last) this.#last.after = place;
    else this.#first = place;
    this.#last = place;
    this.size++;
  }

  /** Takes a member out; it must be in this queue. */
  remove(place: Place<T>): void {
    if (place.before) place.before.after = place.after;
    else this.#first = place.after;
    if (place.after) place.after.before = place.before;
    else this.#last = place.before;
    place.queue = undefined;
    place.before = undefined;
    place.after = undefined;
    this.size--;
  }
}

/** Takes a place out of its queue, if it is in one. */
export function leave<T>(place: Place<T>): void {
  place.queue?.remove(place);
}
