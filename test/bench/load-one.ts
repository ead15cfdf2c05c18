/** Loads a zone file and prints the time; a process of its own, so that its memory can be measured. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';

const file = process.argv[2]!;
const origin = nameFromText(basename(file).replace(/zone$/, ''));
const started = performance.now();
const { image, records, diagnostics } = load({ file, bytes: readFileSync(file), origin }, { now: Date.now() / 1000 });
if (image === undefined) throw new Error(diagnostics.list.map(formatDiagnostic).join('\n'));
const elapsed = (performance.now() - started) / 1000;
console.log(`load() took ${elapsed.toFixed(2)} s, image ${(image.byteLength / records).toFixed(1)} octets per record`);
