/** Publishes the catalog: changes of many zones that come while one is on its way share the next one. */
import type { Catalog, Publisher } from '../../image/catalog.js';

type Post = (catalog: Catalog) => Promise<void>;

export class Publication {
  readonly #publisher: Publisher;
  readonly #made: () => () => void;
  #post: Post = async () => undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** `made` is called when a catalog is made, and what it returns when no answer comes from an older one any more. */
  constructor(publisher: Publisher, made: () => () => void) {
    this.#publisher = publisher;
    this.#made = made;
  }

  /** Publishes with `post` from now on. Before that there is nobody who answers. */
  begin(post: Post): void {
    this.#post = post;
  }

  /** Publishes all that is in the publisher now; fulfilled when no answer comes from an older version any more. */
  publish(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(async () => {
      this.#next = undefined;
      const published = this.#made();
      await this.#post(this.#publisher.publish());
      published();
    });
    this.#next = next;
    this.#current = next.catch(() => undefined);
    return next;
  }
}
