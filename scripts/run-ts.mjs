// Compiles src/ and test/ to .build/ and runs one program of test/ (benchmarks, long runs) there, as plain JavaScript
// modules: node scripts/run-ts.mjs [--cpu-prof …] FILE.ts [ARGUMENT...]
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const at = words.findIndex((word) => word.endsWith('.ts'));
if (at < 0) throw new Error('usage: node scripts/run-ts.mjs [NODE OPTION...] FILE.ts [ARGUMENT...]');

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const options = ['-p', join(root, 'tsconfig.test.json'), '--noEmit', 'false', '--outDir', join(root, '.build')];
const built = spawnSync(process.execPath, [tsc, ...options], { stdio: ['ignore', 2, 2] });
if (built.status !== 0) process.exit(built.status ?? 1);

const program = join(root, '.build', relative(root, resolve(words[at])).replace(/\.ts$/, '.js'));
const child = spawn(
  process.execPath,
  [...words.slice(0, at), '--enable-source-maps', program, ...words.slice(at + 1)],
  {
    stdio: 'inherit',
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
