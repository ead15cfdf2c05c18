/** The zones that a fixture signs, as a validator sees them: delv, with the DS records that the fixture tells as trust anchors. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Signing, startServer } from '../../src/index.js';
import { missingPrograms, run } from './support.js';

const missing = missingPrograms({ delv: 'bind9-dnsutils' });
const ZONE = `
  www A 192.0.2.1
  MX MX 10 MAIL.Example.test.
  *.wild TXT "found"
  a.b.c A 192.0.2.2
  d DNAME www
  child NS ns.child
  ns.child A 192.0.2.3
  insecure NS ns.child
`;
const QUESTIONS = {
  'www.example.test A': 'fully validated',
  'mx.example.test MX': 'fully validated',
  'x.wild.example.test TXT': 'fully validated',
  'nothing.example.test A': 'negative response, fully validated',
  'b.c.example.test A': 'negative response, fully validated',
  'x.d.example.test A': 'fully validated',
  'x.child.example.test A': 'fully validated',
  'nothing.child.example.test A': 'negative response, fully validated',
  'added.example.test A': 'fully validated',
} as const;

describe.skipIf(missing)(`a fixture that signs its zones${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-dnssec-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What delv says first of the answer to each question. */
  async function verdicts(dnssec: Signing, questions: readonly string[]): Promise<string[]> {
    const zones = { 'example.test': ZONE, 'child.example.test': 'x A 192.0.2.9' };
    await using server = await startServer({ zones, dnssec });
    await server.addRecord('example.test', 'added A 192.0.2.7');
    const [owner, , , , tag, algorithm, type, ...digest] = (server.ds[0] ?? '').split(' ');
    const anchors = join(folder, dnssec);
    const ds = `static-ds ${tag} ${algorithm} ${type} "${digest.join('')}"`;
    writeFileSync(anchors, `trust-anchors { "${owner}" ${ds}; };\n`);
    const from = ['@127.0.0.1', '-p', String(server.udp), '-a', anchors, `+root=${owner}`];
    const ran = await Promise.all(questions.map((question) => run('delv', [...from, ...question.split(' ')])));
    // A denial counts as a failed resolution, validated or not.
    return ran.map(({ stdout, stderr }) => {
      const text = `${stdout}${stderr}`;
      return /^; (.*validated)$/m.exec(text)?.[1] ?? /^;; (resolution failed: .*)$/m.exec(text)?.[1] ?? text;
    });
  }

  it('rightly is believed, in answers and denials, before and after changes', async () => {
    const found = await verdicts('valid', Object.keys(QUESTIONS));
    expect(Object.fromEntries(Object.keys(QUESTIONS).map((question, at) => [question, found[at]]))).toEqual(QUESTIONS);
  });

  it.each(['expired', 'bogus', 'unsigned'] as const)('wrongly is not: %s', async (dnssec) => {
    const found = await verdicts(dnssec, ['www.example.test A', 'nothing.example.test A', 'x.child.example.test A']);
    for (const verdict of found) expect(verdict).toMatch(/^resolution failed: /);
  });
});
