/** The machine that the comparison ran on. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** npm runs scripts in the repository's folder; the compiled programs themselves lie elsewhere. */
export const REPOSITORY = process.cwd();

/** Facts for the page, by their names. */
export function describeMachine(): Record<string, string> {
  const processors = cpus();
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  return {
    CPU: processors[0]?.model.trim() ?? '?',
    cores: String(processors.length),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: system ?? '?',
    kernel: release(),
    'Node.js': process.version,
    'load average before': loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
  };
}
