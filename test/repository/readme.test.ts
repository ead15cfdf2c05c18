import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.js';
import { completionOf } from '../../src/cli/completion.js';
import { ctl } from '../../src/cli/ctl.js';
import { fixture } from '../../src/cli/fixture.js';
import { importVerb } from '../../src/cli/import.js';
import { keys } from '../../src/cli/keys.js';
import { probe } from '../../src/cli/probe.js';
import { query } from '../../src/cli/query.js';
import { schema } from '../../src/cli/schema.js';
import { serve } from '../../src/cli/serve.js';
import { parseConfig } from '../../src/config/load.js';
import { adotd, adotdServe } from '../support/cli.js';
import { queryUdp } from '../support/query.js';
import { filesOf, ROOT, textOf } from './files.js';

const readme = textOf('README.md');

const HELP: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    check,
    completion: completionOf({}),
    ctl,
    fixture,
    import: importVerb,
    keys,
    probe,
    query,
    schema,
    serve,
  }).map(([verb, { help }]) => [verb, help]),
);

/** More than this is no introduction any more. */
const MAX_WORDS = 1800;

/** The code blocks of a document in one language. */
function blocks(language: string, text = readme): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] ?? '');
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('README.md', () => {
  it('is short enough to be read', () => {
    expect(readme.split(/\s+/).filter((word) => word !== '').length).toBeLessThanOrEqual(MAX_WORDS);
  });

  it('has the figures of docs/benchmark.md in its table of speed', () => {
    const figures = textOf('docs/benchmark.md');
    const [, table = ''] = /^(\| adotd, as a multiple of .*?)\n\n/ms.exec(readme) ?? [];
    const rows = table
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .split(' | ')
          .slice(1)
          .map((cell) => cell.replace(/ \|$/, '')),
      );
    expect(rows).toEqual([
      ratios(figures, 'Unsigned zone', 'UDP, 500 outstanding'),
      ratios(figures, 'Signed zone, DO set', 'UDP, 500 outstanding'),
      ratios(figures, 'Unsigned zone', 'UDP, 20,000 a second'),
      ratios(figures, 'Unsigned zone', 'TCP, 20 connections, 500 outstanding'),
      ratios(figures, 'Unsigned zone', 'TCP, 400 connections, one outstanding each'),
      ratios(figures, 'Unsigned zone', 'TLS, 20 connections, 500 outstanding'),
      ratios(figures, 'Unsigned zone', 'TLS, 400 connections, one outstanding each'),
    ]);
    const [, date = ''] = /other authoritative servers, on ([0-9-]{10})/.exec(figures) ?? [];
    expect(readme).toContain(`on ${date}, on two cores`);
  });
});

/** Of one load of docs/benchmark.md: the medians of adotd / NSD, Knot, BIND and PowerDNS. */
function ratios(page: string, part: string, load: string): string[] {
  const [, section = ''] = new RegExp(`^## ${part}\n(.*?)^## `, 'ms').exec(page) ?? [];
  const row = section.split('\n').find((line) => line.startsWith(`| ${load} |`)) ?? '';
  return row
    .split('|')
    .slice(7, 11)
    .map((cell) => cell.trim().split(' ')[0] || '–');
}

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

  it.each(['README.md', 'docs/configuration.md', 'docs/encryption.md', 'docs/operation.md', 'docs/zones.md'])(
    'as a configuration is one, in %s',
    (document) => {
      const configurations = blocks('yaml', textOf(document));
      expect(configurations.length).toBeGreaterThan(0);
      for (const configuration of configurations) expect(parseConfig(configuration, document)).toBeDefined();
    },
  );

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

  it.each(['README.md', 'docs/encryption.md', 'docs/operation.md', 'docs/zones.md'])(
    'as commands has verbs and options that exist, in %s',
    (document) => {
      const commands = [...textOf(document).matchAll(/^ {4}(?:npx )?adotd ([a-z]+)(.*)$/gm)];
      expect(commands.length).toBeGreaterThan(0);
      for (const [command, verb = '', words = ''] of commands) {
        expect(HELP, command).toHaveProperty(verb);
        for (const option of words.match(/--[a-z-]+/g) ?? []) expect(HELP[verb], command).toContain(option);
      }
    },
  );

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
