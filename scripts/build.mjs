// Compiles src/ to dist/. With --if-stale (prestart, pretest) only when dist/ is absent or older than a source file, so
// that `npm start` after an install from the registry, which has dist/ but no compiler, just starts.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// A source that is saved while the compiler runs is newer than what comes of it.
const began = new Date();
const stamp = join(root, 'dist', '.built');

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

const sources = ['src', 'tsconfig.json', 'package.json'].map((name) => join(root, name));
if (process.argv.includes('--if-stale')) {
  const main = join(root, 'dist', 'cli', 'main.js');
  if (existsSync(main) && !existsSync(sources[0])) process.exit(0);
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= Math.max(...sources.map(newest))) process.exit(0);
}

let tsc;
try {
  const require = createRequire(join(root, 'package.json'));
  tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
} catch {
  console.error('adotd: the TypeScript compiler is not installed; run `npm install --include=dev` in', root);
  process.exit(1);
}
// Compiled beside the old one and then swapped, so that what is running meanwhile keeps its files, and a source that does
// not compile leaves what there was.
const fresh = join(root, `dist-${process.pid}`);
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), '--outDir', fresh], {
  stdio: ['ignore', 2, 2],
});
if (built.status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(built.status ?? 1);
}
chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
writeFileSync(join(fresh, '.built'), '');
utimesSync(join(fresh, '.built'), began, began);
rmSync(join(root, 'dist'), { recursive: true, force: true });
renameSync(fresh, join(root, 'dist'));
