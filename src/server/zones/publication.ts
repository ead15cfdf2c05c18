/** Publishes the catalog: changes of many zones that come while one is on its way share the next one. */
import type { Catalog, Publisher } from '../../image/catalog.js';

type Post = (catalog: Catalog) => Promise<void>;

/** Called with the key of a zone and its serial. */
export type PublishedListener = (zone: string, serial: number) => void;

export class Publication {
  readonly #publisher: Publisher;
  readonly #listeners: PublishedListener[] = [];
  /** Serials that have changed since a catalog was last made. */
  readonly #changed = new Map<string, number>();
  #post: Post = async () => undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  /** Publishes with `post` from now on. Before that there is nobody who answers. */
  begin(post: Post): void {
    this.#post = post;
  }

  /** Calls `listener` after each publication that has changed the serial of a zone. */
  onPublished(listener: PublishedListener): void {
    this.#listeners.push(listener);
  }

  /** Notes that the serial of a zone has changed. */
  changed(zone: string, serial: number): void {
    this.#changed.set(zone, serial);
  }

  /** Publishes all that is in the publisher now; fulfilled when no answer comes from an older version any more. */
  publish(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(async () => {
      this.#next = undefined;
      const changed = [...this.#changed];
      this.#changed.clear();
      await this.#post(this.#publisher.publish());
      for (const [zone, serial] of changed) for (const listener of this.#listeners) listener(zone, serial);
    });
    this.#next = next;
    this.#current = next.catch(() => undefined);
    return next;
  }
}
