/**
 * The zone files of test/zonefiles: the folder is the verdict, the file's name the reason. What is to be said about a file
 * stands at its end in comments: `; expect: line:column: message`. The origin is example., the time 2026-11-21.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nameFromText } from '../../src/protocol/name.js';
import { checkZone } from '../../src/zone/check.js';
import { Diagnostics, formatDiagnostic } from '../../src/zone/diagnostics.js';
import { includer } from '../../src/zone/files.js';
import { readZone } from '../../src/zone/reader.js';
import { groupRrsets } from '../../src/zone/rrsets.js';

const FOLDER = join(import.meta.dirname, '../zonefiles');
const NOW = Date.UTC(2026, 10, 21) / 1000;

/** The diagnostics of reading and checking a fixture. */
function judge(file: string): Diagnostics {
  const diagnostics = new Diagnostics();
  const source = { file, bytes: readFileSync(file), origin: nameFromText('example.'), include: includer(file) };
  checkZone(groupRrsets(readZone(source, diagnostics)), diagnostics, { now: NOW });
  return diagnostics;
}

function expected(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  return lines.filter((line) => line.startsWith('; expect: ')).map((line) => line.slice('; expect: '.length));
}

describe.each(['accept', 'reject', 'warn'])('zone files to %s', (verdict) => {
  const folder = join(FOLDER, verdict);
  const names = readdirSync(folder).filter((name) => name.endsWith('.zone'));
  test.each(names)('%s', (name) => {
    const file = join(folder, name);
    const { list, errors, warnings } = judge(file);
    const said = list.map((d) => formatDiagnostic({ ...d, file: basename(d.file) }));
    expect(said.map((line) => line.replace(`${name}:`, ''))).toEqual(expected(file));
    expect(errors > 0).toBe(verdict === 'reject');
    if (verdict === 'warn') expect(warnings).toBeGreaterThan(0);
  });
});
