import { type Catalog, Publisher } from '../../src/image/catalog.js';

/** A catalog without zones. */
export function emptyCatalog(): Catalog {
  return new Publisher().publish();
}
