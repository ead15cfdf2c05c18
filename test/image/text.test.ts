import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Loaded, load } from '../../src/image/load.js';
import { imageText } from '../../src/image/text.js';
import { nameFromText } from '../../src/protocol/name.js';
import { originOfFile } from '../../src/zone/filename.js';
import { includer } from '../../src/zone/files.js';
import { printZone } from '../../src/zone/print.js';
import { ROOT } from '../support/cli.js';
import { randomZone } from '../zone/random-zone.js';

const NOW = 1_750_000_000;

function zoneOf(text: string, origin = 'example.'): Loaded {
  return load({ file: 'test', bytes: Buffer.from(text), origin: nameFromText(origin) }, { now: NOW });
}

/** Lines in an order of their own and in lower case, for the letter case of names is that of the first of several. */
function linesOf(text: string): string[] {
  return text.trimEnd().toLowerCase().split('\n').sort();
}

function expectSame(loaded: Loaded): void {
  expect(loaded.image).toBeDefined();
  let printed = '';
  printZone(loaded.rrsets, (piece) => {
    printed += piece;
  });
  const text = [...imageText(loaded.image ?? new Uint8Array())].join('');
  expect(linesOf(text)).toEqual(linesOf(printed));
  expect(text.split('\n')[0]).toMatch(/ IN SOA /);
}

describe('the text of an image', () => {
  const folders = ['zones', 'test/conformance/zones', 'test/zonefiles/accept'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.zone') && !name.startsWith('broken'))
      .map((name) => join(folder, name)),
  );

  it.each(files)('is the zone that was read from %s', (path) => {
    const file = join(ROOT, path);
    const origin = path.includes('accept') ? nameFromText('example.') : originOfFile(file === 'root.zone' ? '@' : file);
    const source = { file, bytes: readFileSync(file), origin, include: includer(file) };
    expectSame(load(source, { now: NOW, nsec3MaxIterations: 500 }));
  });

  it.each(Array.from({ length: 60 }, (_, seed) => seed))('is that of a random zone, number %d', (seed) => {
    const loaded = zoneOf(randomZone(seed, 120));
    if (loaded.image) expectSame(loaded);
  });

  it('has the NSEC3 records of a chain that is not served, and signatures over nothing beside them', () => {
    const hash = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
    const lines = [
      '@ 60 SOA ns h 1 2 3 4 5',
      '@ 60 NS ns.example.net.',
      `${hash} 60 NSEC3 1 0 0 AB ${hash} A`,
      `${hash} 60 RRSIG NSEC3 13 2 60 20370101000000 20260101000000 1 example. AAAA`,
      `${hash} 60 RRSIG A 13 2 60 20370101000000 20260101000000 1 example. AAAA`,
      '@ 60 NSEC @ SOA NS NSEC RRSIG',
    ];
    const loaded = zoneOf(`${lines.join('\n')}\n`);
    expectSame(loaded);
    expect([...imageText(loaded.image ?? new Uint8Array())].join('').trimEnd().split('\n')).toHaveLength(lines.length);
  });

  it('comes in pieces', () => {
    const records = Array.from({ length: 20_000 }, (_, i) => `host-${i} 60 A 192.0.2.1`);
    const { image } = zoneOf(`@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n${records.join('\n')}\n`);
    const pieces = [...imageText(image ?? new Uint8Array())];
    expect(pieces.length).toBeGreaterThan(10);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(40_000);
    expect(pieces.join('').trimEnd().split('\n')).toHaveLength(20_003);
  });
});
