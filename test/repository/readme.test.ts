import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { adotd, adotdServe } from '../support/cli.js';
import { queryUdp } from '../support/query.js';
import { filesOf, ROOT, textOf } from './files.js';

const readme = textOf('README.md');

/** The code blocks of README.md in one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] ?? '');
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what README.md shows', () => {
  it('as a first zone is right, and is served', async () => {
    const zones = join(folder, 'myzones');
    mkdirSync(zones);
    expect(blocks('zone')).toHaveLength(1);
    writeFileSync(join(zones, 'example.test.zone'), blocks('zone')[0] ?? '');
    expect(await adotd('check', zones)).toEqual({ status: 0, stdout: '', stderr: '1 zone, 0 errors, 0 warnings\n' });
    await using server = await adotdServe('--zones', zones);
    const at = { address: '127.0.0.1', udp: server.port, tcp: server.port };
    const { answers } = await queryUdp(at, 'www.example.test');
    expect(answers).toEqual([expect.objectContaining({ data: '192.0.2.80', ttl: 3600 })]);
  });

  it('as a configuration is one', () => {
    expect(blocks('yaml').length).toBeGreaterThan(0);
    for (const block of blocks('yaml')) expect(parseConfig(block, 'README.md')).toBeDefined();
  });

  it('as a program runs', () => {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules', 'adotd'));
    expect(blocks('js').length).toBeGreaterThan(0);
    for (const [index, block] of blocks('js').entries()) {
      const file = join(folder, `example${index}.mjs`);
      writeFileSync(file, block);
      const ran = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 30_000 });
      expect(ran).toMatchObject({ status: 0, stderr: '' });
      expect(ran.stdout).toMatch(/^dig @127\.0\.0\.1 -p \d+ www\.example\.test\n$/);
    }
  });

  it('as the ready line counts the zones that are there', () => {
    expect(readme).toContain(
      `ready udp=127.0.0.1:5300 tcp=127.0.0.1:5300 tls=127.0.0.1:8853 zones=${filesOf('zones', '.zone').filter((path) => path.split('/').length === 2).length}`,
    );
  });

  it('as links leads somewhere', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    for (const link of links) expect(() => textOf(link)).not.toThrow();
  });
});
