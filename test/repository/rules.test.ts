import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf, ROOT, textOf } from './files.js';

const sources = filesOf('src', '.ts');
const tests = filesOf('test', '.ts').filter((path) => !path.startsWith('test/repository/'));

/** Lines of a file that match, as `path:line`. */
function matches(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** The headings of a document as links name them. */
function headings(path: string): string[] {
  return [...textOf(path).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replace(/ /g, '-'),
  );
}

describe('the repository', () => {
  const built = (path: string): boolean => /(^|\/)(\.build|node_modules)\//.test(path);
  const texts = [...['src', 'test', 'docs', 'scripts'].flatMap((folder) => filesOf(folder, '')), 'README.md'].filter(
    (path) => !built(path),
  );

  it('no reference outside', () => {
    const names = ['DESIGN', 'PROTOCOL', 'NODE', 'STYLE', 'PERFORMANCE', 'ZONES', 'CASES'].map(
      (name) => `${name}\\.md`,
    );
    const folder = ['\\.\\.', 'shared'].join('/');
    expect(matches(texts, new RegExp(`\\b(${names.join('|')})\\b|${folder}\\b`))).toEqual([]);
  });

  it('cites headings of docs/protocol.md that are there', () => {
    const there = [...textOf('docs/protocol.md').matchAll(/^#+ (.*)$/gm)].map((match) => match[1]);
    const cited = texts.flatMap((path) =>
      [...textOf(path).matchAll(/docs\/protocol\.md\s+(?:\*\s+)?"([^"]+)"/g)].map((match) => match[1]),
    );
    expect(cited.length).toBeGreaterThan(80);
    expect(cited.filter((heading) => !there.includes(heading))).toEqual([]);
  });
});

describe('the source', () => {
  it('has no file longer than 350 lines', () => {
    const long = sources.filter((path) => textOf(path).trimEnd().split('\n').length > 350);
    expect(long).toEqual([]);
  });

  it('has no any, no double casts, no default exports and no unfinished business', () => {
    const pattern = /\bas any\b|\w: any\b(?!:)|<any>|as unknown as|export default|@ts-ignore|\b(TODO|FIXME|XXX)\b/;
    expect(matches([...sources, ...tests], pattern).filter((line) => !line.startsWith('test/mutants/'))).toEqual([]);
  });

  it('imports zod/mini, and as a namespace: all of zod makes a start 20 ms longer, and its export z brings 60 languages', () => {
    expect(matches(sources, /^import (?!type \* as z |\* as z ).*from 'zod\/mini'|from 'zod'/)).toEqual([]);
  });

  it('asks for addresses of memory in one module, which holds the memory', () => {
    const others = sources.filter((path) => path !== 'src/native/memory.ts');
    expect(matches(['src/native/memory.ts'], /koffi\.address\(/)).toHaveLength(1);
    expect(matches(others, /koffi\.(address|alloc|view|as)\b|\{[^}]*\baddress\b[^}]*\} = koffi\b/)).toEqual([]);
  });

  it('loads koffi in one module, and has the pointers of OpenSSL in one folder', () => {
    expect(matches(sources, /\('koffi'\)\(|\)\('koffi'\)|from 'koffi'/).map((line) => line.split(':')[0])).toEqual([
      'src/native/koffi.ts',
    ]);
    const others = sources.filter((path) => !path.startsWith('src/tls/openssl/'));
    expect(
      matches(others, /\b(SSL|SSL_CTX|BIO|ERR|EVP|X509)_\w+\(|openssl\/(functions|numbers|library|callbacks)\.js/),
    ).toEqual([]);
  });

  it('has a test folder for every folder of src', () => {
    const folders = new Set(sources.map((path) => path.split('/')[1] ?? '').filter((name) => !name.endsWith('.ts')));
    const missing = [...folders].filter((name) => !existsSync(join(ROOT, 'test', name)));
    expect(missing).toEqual([]);
  });
});

describe('the tests', () => {
  it('begin from seeds that each run has in common', () => {
    const pattern = /\bMath\.random\(|\brandomInt\(|\bDate\.now\(\) *(%|>>>)|\bprocess\.env\.(ADOTD_)?SEED\b/;
    // Programs that people run draw a new one.
    const programs = [
      'test/fuzz/main.ts',
      'test/interop/crash-main.ts',
      'test/state/crash.ts',
      'test/state/damage-main.ts',
      'test/tls/openssl/assault.ts',
    ];
    const others = tests.filter((path) => path !== 'test/support/seed.ts' && !programs.includes(path));
    expect(matches(others, pattern)).toEqual([]);
    // fast-check draws a seed of its own where it is given none.
    const unseeded = tests.flatMap((path) => {
      const calls = textOf(path).match(/\bfc\.(assert|check|sample)\(/g)?.length ?? 0;
      const seeds = textOf(path).match(/\bseed: SEED\b|\bruns\([\d_]+\)/g)?.length ?? 0;
      return calls > seeds ? [path] : [];
    });
    expect(unseeded).toEqual([]);
  });

  it('are all run: none is skipped for good, none runs alone', () => {
    const interop = (path: string): boolean => path.startsWith('test/interop/');
    expect(matches(tests, /\b(it|test|describe)\.only\b/)).toEqual([]);
    // A test with real programs may be skipped where they are not installed.
    expect(
      matches(
        tests.filter((path) => !interop(path)),
        /\b(it|test|describe)\.(skip|todo|skipIf)\b/,
      ),
    ).toEqual([]);
  });
});

describe('the package', () => {
  const manifest = JSON.parse(textOf('package.json')) as {
    bin: Record<string, string>;
    scripts: Record<string, string>;
    files: string[];
    exports: Record<string, { types?: string; default?: string }>;
    dependencies: Record<string, string>;
  };

  it('has a lock file without addresses of registries', () => {
    expect(textOf('package-lock.json')).not.toMatch(/"resolved"|https?:\/\/[^"/]*(npm|registry)/);
  });

  it('has a command that node can run', () => {
    expect(manifest.bin).toEqual({ adotd: 'dist/cli/main.js' });
    expect(textOf('dist/cli/main.js').split('\n')[0]).toBe('#!/usr/bin/env node');
    expect(textOf('dist/index.d.ts')).toContain('startServer');
  });

  it('has the entries that the documents name, with types', () => {
    const { './package.json': _, ...entries } = manifest.exports;
    expect(Object.keys(entries)).toEqual(['.', './client', './testing']);
    const files = Object.values(entries).flatMap((entry) => [entry.types, entry.default]);
    expect(files.filter((file) => file === undefined || !existsSync(join(ROOT, file)))).toEqual([]);
  });

  /** What is in it. */
  const packed = (): string[] => {
    const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = spawnSync('npm', words, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 });
    return (JSON.parse(stdout) as { files: { path: string }[] }[])[0]?.files.map((file) => file.path) ?? [];
  };

  it('holds what a user needs and nothing else', () => {
    const paths = packed();
    const wanted = [
      'dist/cli/main.js',
      'dist/server/zones/loader-worker.js',
      'dist/server/plane/udp-worker.js',
      'dist/LICENSES.txt',
      'dist/page/index.html',
      'dist/page/page.js',
      'dist/page/page.css',
      'dist/page/icon.svg',
      'dist/index.js',
      'dist/index.d.ts',
      'README.md',
    ];
    for (const path of [...wanted, 'CHANGELOG.md', 'LICENSE', 'zones/home.test.zone']) expect(paths).toContain(path);
    const users =
      /^(dist|zones|examples)\/|^deploy\/(systemd|kubernetes|prometheus|grafana|certificates)\/|^docs\/([a-z]+|README)\.md$|^docs\/screens\/[a-z-]+\.webp$|^docs\/adotd(\.yaml)?\.[15]$|^[A-Z]+(\.md)?$/;
    const others = ['package.json', 'certs/README.md', 'scripts/build.mjs'];
    expect(paths.filter((path) => !users.test(path) && !others.includes(path))).toEqual([]);
    expect(paths.filter((path) => /\.test\.yml$|__pycache__|\.pyc$/.test(path))).toEqual([]);
  });

  it('holds what its documents and its help texts name', () => {
    const paths = new Set(packed());
    const documents = [...paths].filter((path) => path.endsWith('.md'));
    expect(documents).toEqual(expect.arrayContaining(filesOf('docs', '.md')));
    const targets = documents.flatMap((path) =>
      [...textOf(path).matchAll(/\]\(([^):]+)\)/g)].map((match) => {
        const [file = '', heading] = (match[1] ?? '').split('#');
        return { file: file === '' ? path : join(dirname(path), file), heading };
      }),
    );
    const links = targets.map(({ file }) => file);
    for (const { file, heading } of targets) if (heading !== undefined) expect(headings(file)).toContain(heading);
    const named = sources.flatMap((path) => textOf(path).match(/\bdocs\/[a-z]+\.md\b/g) ?? []);
    expect(links.length).toBeGreaterThan(15);
    expect(named.length).toBeGreaterThan(5);
    expect([...links, ...named].filter((path) => !paths.has(path))).toEqual([]);
  });

  it('uses every dependency', () => {
    const code = sources.map(textOf).join('\n');
    // What makes certificates comes with the layer that holds them.
    const awaited = existsSync(join(ROOT, 'src/tls')) ? [] : ['selfsigned'];
    for (const name of Object.keys(manifest.dependencies).filter((n) => !awaited.includes(n)))
      expect(code.includes(`'${name}'`) || code.includes(`'${name}/`), name).toBe(true);
  });

  it('has the scripts that README.md names, and README.md names those that are there', () => {
    const named = new Set([...textOf('README.md').matchAll(/npm (?:run )?([a-z:]+)/g)].map((match) => match[1]));
    for (const command of ['install', 'pack']) named.delete(command);
    for (const name of named) expect(Object.keys(manifest.scripts)).toContain(name);
    for (const name of [
      'start',
      'test',
      'build',
      'lint',
      'bench',
      'docs',
      'test:interop',
      'test:differential',
      'test:mutants',
    ]) {
      expect([...named]).toContain(name);
    }
  });
});
