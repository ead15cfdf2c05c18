// Adds up what vitest reported, holds it against the floors, and prints "N passed, N failed, N skipped" as the last line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const reports = process.argv[2];
const floors = JSON.parse(readFileSync(new URL('floors.json', import.meta.url), 'utf8'));
const sum = { passed: 0, failed: 0, skipped: 0 };
let sound = true;

for (const [name, floor] of Object.entries(floors)) {
  let report;
  try {
    report = JSON.parse(readFileSync(join(reports, `${name}.json`), 'utf8'));
  } catch (error) {
    console.error(`${name}: no report: ${error.message}`);
    sound = false;
    continue;
  }
  // A file that cannot be loaded, or whose hooks fail, has no failed test of its own, and its tests count as skipped.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  for (const file of broken) console.error(`${name}: ${file.name}: ${file.message}`);
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests + broken.length;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  if (report.numPassedTests < floor) {
    console.error(`${name}: ${report.numPassedTests} tests passed, expected at least ${floor}`);
    sound = false;
  }
  if (!report.success) sound = false;
}

console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sound && sum.failed === 0 && sum.skipped === 0 && sum.passed > 0 ? 0 : 1;
