/** `--count N --seed S`: fuzzes respond() for as long as wanted; exit status 1 at the first fault. */
import { parseArgs } from 'node:util';
import { fuzz } from './run.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`seed ${values.seed}, ${values.count} messages`);
const started = Date.now();
const report = fuzz(Number(values.count), Number(values.seed), (done) => {
  console.log(`${done} messages, ${Math.round((Date.now() - started) / 1000)} s`);
});
console.log(`${report.messages} messages, ${report.responses} responses, ${report.failure ?? 'no fault'}`);
process.exitCode = report.failure ? 1 : 0;
