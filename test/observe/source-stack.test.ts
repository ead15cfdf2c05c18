import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, expect, it } from 'vitest';
import { sourceStack } from '../../src/observe/source-stack.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A stack as Node.js makes it of a bundle: the place of `new Error` in it. */
async function stackInBundle(): Promise<string> {
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/main.ts'), `import { fail } from './part.js';\nexport const run = () => fail();\n`);
  writeFileSync(
    join(folder, 'src/part.ts'),
    `// A comment.\nexport function fail(): Error {\n  return new Error('no');\n}\n`,
  );
  const outfile = join(folder, 'dist/main.js');
  const bundle = await rolldown({ input: join(folder, 'src/main.ts') });
  await bundle.write({ file: outfile, sourcemap: true });
  await bundle.close();
  const lines = readFileSync(outfile, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('new Error'));
  return `Error: no\n    at fail (${pathToFileURL(outfile).href}:${line + 1}:${lines[line]!.indexOf('new Error') + 1})`;
}

it('names the places of the sources where a map tells them', async () => {
  const error = new Error('no');
  error.stack = await stackInBundle();
  expect(sourceStack(error)).toBe('Error: no\n    at fail (src/part.ts:3:10)');
});

it('leaves places as they are where there is no map', () => {
  const error = new Error('no');
  error.stack = 'Error: no\n    at f (file:///nowhere/dist/x.js:1:2)\n    at node:internal/main:1:2';
  expect(sourceStack(error)).toBe(error.stack);
});
