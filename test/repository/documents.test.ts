import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf, ROOT, textOf } from './files.js';

const documents = [...filesOf('docs', '.md'), 'README.md'];

describe('the documents', () => {
  it('are as npm run docs writes them', () => {
    const program = `import { commandPage, configurationPage } from './scripts/man.mjs';
      console.log(JSON.stringify([await commandPage(), configurationPage()]));`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual([textOf('docs/adotd.1'), textOf('docs/adotd.yaml.5')]);
  });

  it('name files and folders of the repository that are there', () => {
    const named = documents.flatMap((path) =>
      [...textOf(path).matchAll(/`((?:src|test|scripts)\/[\w./-]*)`/g)].map(([, name = '']) => ({
        path,
        name,
      })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('stand in the index', () => {
    const index = textOf('docs/README.md');
    for (const path of filesOf('docs', '.md').filter((name) => name !== 'docs/README.md'))
      expect(index).toContain(`](${path.slice('docs/'.length)})`);
  });

  it('have a row for every folder of src', () => {
    const architecture = textOf('docs/architecture.md');
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) expect(architecture).toContain(`\n| \`${name}/\``);
  });

  it('name every room of the large folders', () => {
    const architecture = textOf('docs/architecture.md');
    for (const folder of ['server', 'client', 'fixture']) {
      const row = architecture.split('\n').find((line) => line.startsWith(`| \`${folder}/\``));
      const rooms = readdirSync(join(ROOT, 'src', folder), { withFileTypes: true }).filter((entry) =>
        entry.isDirectory(),
      );
      for (const { name } of rooms) expect(row).toContain(`\`${name}/\``);
    }
  });
});
