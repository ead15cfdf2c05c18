/** `--count N --seed S`: damages state folders for as long as wanted; exit status 1 at the first fault. */
import { parseArgs } from 'node:util';
import { judge, sampleFolder } from './damaged-folders.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const first = Number(values.seed);
console.log(`seed ${first}, ${values.count} folders`);
const samples = [await sampleFolder(), await sampleFolder(true)];
for (let seed = first; seed < first + Number(values.count); seed++) {
  const fault = await judge(samples[seed % 2]!, seed);
  if (fault !== undefined) {
    console.log(fault);
    process.exit(1);
  }
}
console.log('no fault');
process.exit(0);
