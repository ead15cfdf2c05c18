/** The servers and signers of other projects that tests compare with, their Debian packages, and how a missing one is reported. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Program → the Debian package that has it. */
const PACKAGES = {
  nsd: 'nsd',
  knotd: 'knot',
  named: 'bind9',
  unbound: 'unbound',
  stubby: 'stubby',
  dnsdist: 'dnsdist',
  'dnssec-signzone': 'bind9-utils',
  'named-checkzone': 'bind9-utils',
} as const;

export type Tool = keyof typeof PACKAGES;

/** A server's program usually stands in a folder that only root has in PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

function locate(tool: Tool): string | undefined {
  for (const folder of FOLDERS) {
    try {
      const path = join(folder, tool);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder: the next one.
    }
  }
  return undefined;
}

/** Path of a program. Throws an error that names the Debian package when it is not installed. */
export function toolPath(tool: Tool): string {
  const path = locate(tool);
  if (path === undefined) throw new Error(`${tool} is not installed: apt-get install ${PACKAGES[tool]}`);
  return path;
}

/**
 * One line that says which of the programs are missing and how to get them, or undefined. With CI=true a missing program
 * is an error instead: there a skipped comparison would pass unnoticed.
 */
export function missingTools(tools: readonly Tool[]): string | undefined {
  const missing = tools.filter((tool) => locate(tool) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(' ');
  const message = `${missing.join(', ')} not installed: apt-get install ${packages}`;
  if (process.env.CI === 'true') throw new Error(message);
  return message;
}
