// Compiles src/ to build/ (modules one by one, for tests and documents) and bundles it into dist/ (what the package holds, with the
// types that the compiler wrote). With --if-stale (prestart, pretest) only when either is absent or older than a source file, so
// that `npm start` after an install from the registry, which has dist/ but no compiler, just starts.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'package.json'));
// A source that is saved while the compiler runs is newer than what comes of it.
const began = new Date();
const MAIN = join('cli', 'main.js');

/**
 * What is bundled together: the entries of the package, and the command with its threads. Code that several files of a group use is in
 * chunks beside them. With one group for all, an import reads 47 files in place of 13 (measured: 30 ms).
 */
const GROUPS = [
  ['index.ts', 'client/index.ts', 'testing/index.ts', 'fixture/thread/fixture-worker.ts'],
  [
    'cli/main.ts',
    'server/plane/udp-worker.ts',
    'server/plane/stream-worker.ts',
    'server/zones/loader-worker.ts',
    'server/zones/verifying-worker.ts',
  ],
];
/** koffi is native and optional; the others start threads or read files of their own, and are loaded by few programs. */
const EXTERNAL = ['koffi', 'pino', 'pino-pretty', 'selfsigned', 'chokidar'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

function isFresh(folder, time) {
  const stamp = join(root, folder, '.built');
  return existsSync(stamp) && statSync(stamp).mtimeMs >= time;
}

if (process.argv.includes('--if-stale')) {
  const sources = ['src', 'tsconfig.json', 'package.json', 'scripts/build.mjs'].map((name) => join(root, name));
  if (existsSync(join(root, 'dist', MAIN)) && !existsSync(sources[0])) process.exit(0);
  const time = Math.max(...sources.map(newest));
  if (isFresh('build', time) && isFresh('dist', time)) process.exit(0);
}

/** A module keeps the place that it has in src/ when it asks where it is, whichever file of dist/ it has become a part of. */
const ownPlaces = {
  name: 'own-places',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!/new URL\([^)]*import\.meta\.url/.test(text)) return undefined;
      const place = relative(join(root, 'src'), path).replaceAll('\\', '/').replace(/\.ts$/, '.js');
      const contents = text.replaceAll('import.meta.url', `import.meta.url.replace(/(.*\\/dist\\/).*/, '$1${place}')`);
      return { contents, loader: 'ts' };
    });
  },
};

/** The licences of the packages that the bundle holds parts of; each wants to go with them. */
function licences(inputs) {
  const packages = new Set(
    inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.slice(0, 2) ?? []),
  );
  const folders = [...packages].filter((path) => path.includes('node_modules/')).sort();
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no file with its licence`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  return `Parts of these packages are in the files of this folder.\n\n${texts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

// Made beside the old ones and then swapped, so that what is running meanwhile keeps its files, and a source that does not
// compile leaves them as they were.
const fresh = { build: join(root, `build-${process.pid}`), dist: join(root, `dist-${process.pid}`) };
process.on('exit', () => {
  for (const folder of Object.values(fresh)) rmSync(folder, { recursive: true, force: true });
});

let tsc;
let esbuild;
try {
  tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  esbuild = require('esbuild');
} catch {
  console.error('adotd: the compiler is not installed; run `npm install --include=dev` in', root);
  process.exit(1);
}
const words = ['-p', join(root, 'tsconfig.json'), '--outDir', fresh.build, '--declarationDir', fresh.dist];
const compiled = spawnSync(process.execPath, [tsc, ...words], { stdio: ['ignore', 2, 2] });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const options = {
  outbase: join(root, 'src'),
  outdir: fresh.dist,
  chunkNames: 'chunks/[name]-[hash]',
  // Less to parse. Names stay as they are: stacks can be read without the maps.
  minifyWhitespace: true,
  minifySyntax: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: EXTERNAL,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'inline',
  plugins: [ownPlaces],
  // CommonJS packages that are bundled require modules of Node.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
};
const inputs = new Set();
for (const names of GROUPS) {
  const entryPoints = names.map((name) => join(root, 'src', name));
  const { metafile } = await esbuild.build({ ...options, entryPoints });
  for (const path of Object.keys(metafile.inputs)) inputs.add(path);
}

writeFileSync(join(fresh.dist, 'LICENSES.txt'), licences([...inputs]));
chmodSync(join(fresh.dist, MAIN), 0o755);
for (const [name, folder] of Object.entries(fresh)) {
  writeFileSync(join(folder, '.built'), '');
  utimesSync(join(folder, '.built'), began, began);
  rmSync(join(root, name), { recursive: true, force: true });
  renameSync(folder, join(root, name));
}
