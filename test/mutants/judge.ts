/**
 * Compares the engine it is compiled with to a recording: node judge.js RECORDING. Exit status 1, and one line, at the
 * first answer that has all peers against it.
 */
import { classOf, compare, isAgainstUs } from '../differential/compare.js';
import { startEngine } from '../differential/engine.js';
import { queryToText } from '../differential/queries.js';
import { readRecording } from './recording.js';

const { zones, queries, peers } = readRecording(process.argv[2] ?? '');
const refused: string[] = [];
const ours = startEngine(zones, refused);
let caught = refused[0];
for (const [i, query] of queries.entries()) {
  if (caught !== undefined) break;
  const verdict = await compare(ours, peers, query);
  if (isAgainstUs(verdict)) caught = `question ${i + 1}, ${queryToText(query)}: ${classOf(verdict)}`;
}
if (caught !== undefined) {
  console.log(caught);
  process.exitCode = 1;
}
