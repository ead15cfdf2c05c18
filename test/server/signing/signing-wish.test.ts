import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { NAME, POLICY, SigningBench } from './signing-support.js';

let bench: SigningBench;
beforeEach(async () => {
  bench = new SigningBench();
  await bench.load();
  await bench.run(2);
  await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, true);
  await bench.run(4);
});
afterEach(() => bench.close());

const YEAR = 365 * 24;
const warnings = (): string[] => bench.lines.filter((line) => line.startsWith('warn'));

function configure(policy: typeof bench.policy, isOff: boolean): void {
  bench.policy = policy;
  bench.isOff = isOff;
  bench.signing.configure(defaultConfig());
}

it('a zone stays signed by the policy that it had when the line that says so is gone, and that is said', async () => {
  bench.policy = {
    ...POLICY,
    rollover: { ...POLICY.rollover, keys: [{ role: 'csk', algorithm: 13, lifetime: 86_400 }] },
  };
  await bench.crash();
  await bench.run(2);
  configure(undefined, false);
  const text = `a.test. stays signed by the policy default that it had: no policy of the configuration has \`dnssec\` for it; write \`dnssec: default\` again, or, to make it unsigned, \`dnssec: off\` in a policy that names a.test. itself`;
  expect(bench.signing.known.warnings).toEqual([text]);
  bench.step = 60;
  await bench.run(YEAR / 12);
  expect(bench.status).toMatchObject({ state: 'signed', policy: 'default', warning: text });
  expect(bench.signing.known.problems).toEqual([text]);
  expect(bench.last.zoneSigners.length).toBeGreaterThan(0);
  expect(bench.last.cds.every((rdata) => rdata.length > 5)).toBe(true);
  // The lifetimes of the policy go on.
  expect(bench.status.keys.length).toBeGreaterThan(1);
  configure(undefined, false);
  expect(warnings()).toEqual([`warn: ${text}`]);
  await bench.crash();
  expect(warnings()).toEqual([`warn: ${text}`, `warn: ${text}`]);
  configure(POLICY, false);
  expect(bench.status.warning).toBeUndefined();
  expect(bench.signing.known.problems).toEqual([]);
});

it('an unsigning that `off` began goes on without the line, and a zone that is unsigned stays so', async () => {
  configure(undefined, true);
  expect(bench.signing.known.warnings).toEqual([
    expect.stringContaining('a.test. is to be unsigned, by `dnssec: off`'),
  ]);
  await bench.run(1);
  expect(warnings()).toEqual([expect.stringContaining('a.test. is to be unsigned, by `dnssec: off`')]);
  expect(bench.signing.known.warnings).toEqual([]);
  expect(bench.last.cds[0]).toHaveLength(5);
  configure(undefined, false);
  await bench.run(1);
  expect(bench.status).toMatchObject({ state: 'leaving', policy: undefined });
  await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, false);
  await bench.run(8);
  expect(bench.status).toMatchObject({ state: 'unsigned', keys: [] });
  await expect(bench.signing.start(NAME)).rejects.toThrow('no policy of the configuration has a.test. signed');
  await bench.run(8);
  expect(bench.status).toMatchObject({ state: 'unsigned', keys: [] });
});
