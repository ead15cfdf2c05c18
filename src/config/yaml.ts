/** Aliases of YAML that stand within what they stand for (`&a [*a]`): YAML allows that, but such a value has no end. */
import { type Alias, type Document, visit } from 'yaml';

/** What to say of one. */
export const ALIAS_CYCLE = 'found an alias within what it stands for; expected a value that ends';

/** Those of a document, with their places. An anchor stands before its aliases, so that each has its own node around it. */
export function aliasCycles(document: Document): Alias[] {
  const found: Alias[] = [];
  visit(document, {
    Alias(_, alias, path) {
      const target = alias.resolve(document);
      if (target !== undefined && path.includes(target)) found.push(alias);
    },
  });
  return found;
}
