/** Prints the image of a zone file: node scripts/run-ts.mjs test/image/dump-main.ts FILE */
import { load } from '../../src/image/load.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { originOfFile } from '../../src/zone/filename.js';
import { includer, readZoneFile } from '../../src/zone/files.js';
import { dumpImage } from './dump.js';

const [file = ''] = process.argv.slice(2);
const source = { file, bytes: readZoneFile(file), origin: originOfFile(file), include: includer(file) };
const { image, diagnostics } = load(source, { now: Date.now() / 1000 });
for (const diagnostic of diagnostics.list) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
if (image === undefined) process.exitCode = 1;
else dumpImage(image, (text) => void process.stdout.write(text));
