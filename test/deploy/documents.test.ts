import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.js';
import { ctl } from '../../src/cli/ctl.js';
import { keys } from '../../src/cli/keys.js';
import { serve } from '../../src/cli/serve.js';
import { parseConfig } from '../../src/config/load.js';
import { ROOT, textOf } from '../repository/files.js';
import { blocksOf, DOCUMENTS } from './documents.js';

const HELP: Readonly<Record<string, string>> = { check: check.help, ctl: ctl.help, keys: keys.help, serve: serve.help };

/** The reader of the document makes these. */
const MADE = ['deploy/docker/zones'];

describe.each(DOCUMENTS)('docs/%s', (document) => {
  const text = textOf(`docs/${document}`);
  const blocks = blocksOf(document);

  it('names files that there are', () => {
    const paths = new Set([...text.matchAll(/\bdeploy(\/[A-Za-z0-9_.-]*[A-Za-z0-9_-])+/g)].map(([path]) => path));
    expect(paths.size).toBeGreaterThan(0);
    expect([...paths].filter((path) => !existsSync(join(ROOT, path)) && !MADE.includes(path))).toEqual([]);
  });

  it('links to where there is something', () => {
    for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#:]*)#?([^)]*)\)/g)) {
      const target = textOf(join('docs', path || document));
      if (!anchor) continue;
      const headings = [...target.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title.toLowerCase().replace(/[^a-z0-9 -]/g, ''),
      );
      expect(headings.map((title) => title.replaceAll(' ', '-'))).toContain(anchor);
    }
  });

  it('shows configurations that are right', () => {
    const configs = blocks.filter(({ language }) => language === 'yaml');
    expect(configs.length).toBeGreaterThan(0);
    for (const config of configs) expect(parseConfig(config.text, document)).toBeDefined();
  });

  it('shows commands that a shell can read', () => {
    const commands = blocks.filter(({ language }) => language === 'sh');
    expect(commands.length).toBeGreaterThan(0);
    for (const { text: script } of commands) {
      expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    }
  });

  it('uses verbs, commands and options of adotd that there are', () => {
    const uses = [...text.matchAll(/(?:\badotd|main\.js) (serve|check|keys|ctl|[a-z]+)((?: [A-Za-z/.-]+)*)/g)].filter(
      ([, verb = '']) => verb in HELP,
    );
    for (const [use, verb = '', rest = ''] of uses) {
      const help = HELP[verb] ?? '';
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help, use).toContain(option);
      if (verb === 'ctl') expect(help, use).toMatch(new RegExp(`^  ${rest.trim().split(' ')[0]} `, 'm'));
    }
    expect(uses.length).toBeGreaterThan(0);
  });

  it('names the package as it is', () => {
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    for (const [, named] of text.matchAll(/adotd-([0-9.]+)\.tgz/g)) expect(named).toBe(version);
  });
});

describe('what the documents have operators install', () => {
  it('as a program can be run', () => {
    expect(statSync(join(ROOT, 'deploy/certificates/adotd-certificate')).mode & 0o111).toBe(0o111);
  });

  it('as a unit starts what the package has, where the document installs it', () => {
    const unit = textOf('deploy/systemd/adotd.service');
    const [, program = '', config = ''] =
      /^ExecStart=.*exec \/usr\/bin\/node \$\$flag (\S+) serve --config (\S+)'$/m.exec(unit) ?? [];
    const { bin } = JSON.parse(textOf('package.json')) as { bin: { adotd: string } };
    expect(program).toBe(`/opt/adotd/node_modules/adotd/${bin.adotd}`);
    expect(textOf('docs/deployment.md')).toContain(`deploy/systemd/adotd.yaml ${config}`);
    const { tls, zones } = parseConfig(textOf('deploy/systemd/adotd.yaml'), config);
    expect(zones.folder).toBe('/etc/adotd/zones');
    for (const name of ['State', 'Runtime', 'Logs']) expect(unit).toContain(`${name}Directory=adotd\n`);
    expect(tls.certs_folder.startsWith('/var/lib/adotd/')).toBe(true);
  });

  it('as configurations are right, with what is commented out too', () => {
    const text = textOf('deploy/systemd/adotd.yaml').replace(/^ {2}# ( *(certificates:|- \{))/gm, '  $1');
    expect(parseConfig(text, 'adotd.yaml').tls.certificates).toEqual([
      { cert: '/etc/adotd/tls/tls.crt', key: '/etc/adotd/tls/tls.key' },
    ]);
  });
});
