/**
 * The steps of a path: from the root on, each name and the folder it is in. If a name is a symbolic link, the steps of its target
 * follow. A change of any step can change the file that the path leads to. The file itself may stay as it is: Kubernetes swaps a link
 * (`..data`), and others rename whole folders.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** `name` in `folder`, whose path has no links. */
interface Step {
  readonly folder: string;
  readonly name: string;
}

export interface Steps {
  readonly steps: readonly Step[];
  /** The path that it leads to, without links; undefined if nothing is there. */
  readonly real: string | undefined;
}

/** Links that are followed in one path: Linux has the same limit (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** The steps of `path`, starting in the folder `from`, whose path has no links. */
export function stepsOf(path: string, from: string = sep): Steps {
  const steps: Step[] = [];
  let names = (from === sep ? resolve(path) : path).split(sep);
  let folder: string = from;
  let links = 0;
  while (names.length > 0) {
    const [name = '', ...rest] = names;
    names = rest;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      folder = join(folder, '..');
      continue;
    }
    steps.push({ folder, name });
    const next = join(folder, name);
    const target = linkOf(next);
    if (target === undefined) return { steps, real: undefined };
    if (target === '') {
      folder = next;
      continue;
    }
    if (++links > MAX_LINKS) return { steps, real: undefined };
    if (isAbsolute(target)) folder = sep;
    names = [...target.split(sep), ...names];
  }
  return { steps, real: folder };
}

/** Whether a path leads the same way as before, and to something that is there, or still to nothing. */
export function sameWay(before: Steps, now: Steps): boolean {
  const text = ({ steps }: Steps): string => steps.map(({ folder, name }) => join(folder, name)).join('\0');
  return before.real === now.real && text(before) === text(now);
}

/** The target of a link; '' if the path is no link, undefined if nothing is there. */
function linkOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : '';
  } catch {
    return undefined;
  }
}
