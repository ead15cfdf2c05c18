/** What the modules of the repository export to each other, and import: read as text, as the formatter leaves it. */
import { dirname, join, normalize } from 'node:path';
import { filesOf, textOf } from './files.js';

interface Import {
  readonly from: string;
  readonly to: string;
  /** Names as the exporting module calls them; `*` for all of them. */
  readonly names: readonly string[];
}

const STATEMENT = /^(import|export)\s+(?:type\s+)?([^;'"]*?)\s*from\s+'(\.[^']*)\.js';/gms;
const BARE = /^import\s+'(\.[^']*)\.js';/gms;
const DYNAMIC =
  /(?:\{([^{}]*)\}\s*=\s*(?:\([^()]*?)?await\s+)?import\('(\.[^']*)\.js'\)(?:\.then\(\(\{([^{}]*)\}\))?/gms;
/** Types named where they are used. */
const TYPE_QUERY = /import\('(\.[^']*)\.js'\)\.(\w+)/g;

const SOURCES = filesOf('src', '.ts');
const OTHERS = [...filesOf('test', '.ts'), ...filesOf('test', '.mjs'), ...filesOf('scripts', '.mjs')];

/** Names in braces, by what the other module calls them. */
function namesIn(clause: string): string[] {
  const braces = clause.match(/\{([^{}]*)\}/)?.[1];
  if (braces === undefined) return ['*'];
  return braces
    .split(',')
    .map(
      (name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+|\s*:\s*/)[0] ?? '',
    )
    .filter((name) => name !== '');
}

function resolved(from: string, specifier: string): string {
  const path = normalize(join(dirname(from), specifier));
  return `${path.replace(/^(?:build|dist)\//, 'src/')}.ts`;
}

function importsIn(from: string): Import[] {
  const text = textOf(from);
  const of = (to: string | undefined, names: readonly string[]): Import => ({
    from,
    to: resolved(from, to ?? ''),
    names,
  });
  return [
    ...[...text.matchAll(STATEMENT)].map(([, , clause = '', to]) => of(to, namesIn(clause))),
    ...[...text.matchAll(BARE)].map(([, to]) => of(to, [])),
    ...[...text.matchAll(DYNAMIC)].map(([, first, to, second]) => {
      const names = first ?? second;
      return of(to, names === undefined ? ['*'] : namesIn(`{${names}}`));
    }),
    ...[...text.matchAll(TYPE_QUERY)].map(([, to, name = '']) => of(to, [name])),
  ];
}

/** Paths of the modules of src. */
export const modules: readonly string[] = SOURCES;

/** All imports of modules of src by each other, those of types too. */
export const imports: readonly Import[] = SOURCES.flatMap(importsIn);

/** What tests and scripts import of src. */
export const importsFromOutside: readonly Import[] = OTHERS.flatMap(importsIn).filter(({ to }) =>
  to.startsWith('src/'),
);

/** The names that a module exports itself. */
export function exportsOf(path: string): string[] {
  const text = textOf(path);
  const declared = text.matchAll(
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type|enum)\s+(\w+)/gm,
  );
  const listed = text.matchAll(/^export\s+(?:type\s+)?\{([^{}]*)\}/gms);
  return [
    ...[...declared].map(([, name = '']) => name),
    ...[...listed].flatMap(([, names = '']) =>
      names
        .split(',')
        .map(
          (name) =>
            name
              .trim()
              .replace(/^type\s+/, '')
              .split(/\s+as\s+/)
              .at(-1) ?? '',
        )
        .filter((name) => name !== ''),
    ),
  ];
}
