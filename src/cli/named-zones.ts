/** The option `--zone NAME=FILE` of several verbs. */
import { AdotdError } from '../errors.js';
import { nameFromText, nameKey } from '../protocol/name.js';
import { UsageError } from './arguments.js';

/** The zones that `--zone NAME=FILE` gives. Throws UsageError when a word is malformed, or a zone is given twice. */
export function namedZones(
  verb: string,
  words: readonly string[] = [],
): { readonly name: string; readonly file: string }[] {
  const seen = new Set<string>();
  return words.map((word) => {
    const at = word.indexOf('=');
    const [name, file] = [word.slice(0, at), word.slice(at + 1)];
    const wrong = (message: string): UsageError => new UsageError(`adotd ${verb}: --zone: ${message}`);
    if (at < 1 || file === '') throw wrong(`found ${word}, expected NAME=FILE`);
    const key = keyOf(name, wrong);
    if (seen.has(key)) throw wrong(`${name} is given twice, expected each zone once`);
    seen.add(key);
    return { name, file };
  });
}

function keyOf(name: string, wrong: (message: string) => UsageError): string {
  try {
    return nameKey(nameFromText(name));
  } catch (error) {
    if (error instanceof AdotdError) throw wrong(error.message);
    throw error;
  }
}
