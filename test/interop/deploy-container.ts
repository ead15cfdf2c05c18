/** A container with this machine's /usr to read only, nothing in /etc and /var, and no network but its own loopback. */
import { spawnSync } from 'node:child_process';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Which programs or rights a test of deploy/ lacks here; empty when none. With CI=true an error is thrown. */
export function missingHere(programs: readonly string[], packages: string, root = true): string {
  const absent = programs.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined);
  if (absent.length === 0 && (!root || process.getuid?.() === 0)) return '';
  const text = absent.length > 0 ? `${absent.join(', ')} not installed: apt-get install ${packages}` : 'needs root';
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

let containers = 0;

/**
 * Runs a command in a container to its end, 150 s at most. `binds` are options of systemd-nspawn; programs find node as
 * /usr/bin/node.
 */
export async function inContainer(
  binds: readonly string[],
  command: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const machine = `adotd-${process.pid}-${++containers}`;
  const words = ['--register=no', '--keep-unit', '--private-network', '--volatile=yes', '-D', '/', '--console=pipe'];
  const node = process.execPath === '/usr/bin/node' ? [] : [`--bind-ro=${process.execPath}:/usr/bin/node`];
  const { status, stdout, stderr } = spawnSync(
    'systemd-nspawn',
    [...words, `--machine=${machine}`, ...binds, ...node, ...command],
    { encoding: 'utf8', timeout: 150_000, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // systemd-nspawn leaves this folder where /run is no mount of its own.
  await rmdir(join('/run/systemd/nspawn/propagate', machine)).catch(() => undefined);
  return { status, stdout, stderr };
}
