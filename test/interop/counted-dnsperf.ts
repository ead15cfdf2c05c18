/** dnsperf as a client whose queries are known: it sends so many, and each is answered. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';

interface Load {
  /** For the file of queries. */
  readonly folder: string;
  /** `NAME TYPE`, asked one after the other. */
  readonly queries: readonly string[];
  /** Further options. */
  readonly options: readonly string[];
}

/** Sends `count` queries, a multiple of those listed, and returns that number. */
export async function dnsperf(
  mode: 'udp' | 'tcp' | 'dot',
  port: number,
  count: number,
  { folder, queries, options }: Load,
): Promise<number> {
  const file = join(folder, 'queries');
  writeFileSync(file, `${queries.join('\n')}\n`);
  const where = ['-s', '127.0.0.1', '-p', String(port), '-m', mode, '-d', file];
  const words = [...where, '-n', String(count / queries.length), ...options];
  const { stdout } = await promisify(execFile)('dnsperf', words);
  const [, sent = '', completed = ''] = /Queries sent:\s+(\d+)[\s\S]*?Queries completed:\s+(\d+)/.exec(stdout) ?? [];
  expect([completed, sent]).toEqual([String(count), String(count)]);
  return count;
}
