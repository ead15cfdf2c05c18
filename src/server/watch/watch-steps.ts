/**
 * What the meaning of a path hangs on: at each step from the root on, a name in a folder. Where a step is a symbolic link, those
 * of its target too. Kubernetes swaps a link (`..data`), others rename whole folders: none of that is a change of the file.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** `name` in `folder`, whose path has no links. */
export interface Step {
  readonly folder: string;
  readonly name: string;
}

export interface Steps {
  readonly steps: readonly Step[];
  /** Where the path leads, without links; undefined when nothing is there. */
  readonly real: string | undefined;
}

/** Links that are followed in all, as the system does (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** The steps of `path` from `from` on, a folder without links. */
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

export function sameSteps(some: readonly Step[], others: readonly Step[]): boolean {
  const text = (steps: readonly Step[]): string => steps.map(({ folder, name }) => join(folder, name)).join('\0');
  return text(some) === text(others);
}

/** Where a link leads; '' for what is none, undefined when nothing is there. */
function linkOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : '';
  } catch {
    return undefined;
  }
}
