/** The archive that `npm pack` makes of this repository, installed elsewhere as by others. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Ran, ROOT } from './cli.js';

/** The environment of a shell outside of npm, without npm's variables for scripts. The registry may need NODE_EXTRA_CA_CERTS. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_(?!EXTRA_CA_CERTS$))/.test(name)),
);

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, five minutes at most. Throws when there is no such program. */
export async function run(program: string, words: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  const options = { cwd, env: { ...environment, ...env }, timeout: 300_000, maxBuffer: 1 << 24 };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...words], options);
    return { status: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    if (error.code === 'ENOENT') throw error;
    const status = typeof error.code === 'number' ? error.code : null;
    return { status, stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

/** Builds and packs the repository; the path of the archive in `folder`. */
export async function pack(folder: string): Promise<string> {
  await demand(process.execPath, ['scripts/build.mjs', '--if-stale'], ROOT);
  const packed = await demand('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], ROOT);
  return join(folder, packed.trim().split('\n').at(-1) ?? '');
}

/** Installs an archive into the project of a folder; `words` are further options of `npm install`. */
export async function install(archive: string, project: string, ...words: readonly string[]): Promise<void> {
  const usual = ['--prefer-offline', '--no-audit', '--no-fund'];
  await demand('npm', ['install', ...usual, ...words, archive], project);
}

/** Returns the program's output; throws it when the program fails. */
async function demand(program: string, words: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await run(program, words, { cwd });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: status ${status}: ${stdout}${stderr}`);
  return stdout;
}
