/** What `adotd check` says of zones that the configuration has signed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.js';

const SOA = (expire: number): string => `$TTL 3600\n@ SOA ns h 1 2 3 ${expire} 5\n@ NS ns\nns 86400 A 192.0.2.1\n`;
const CONFIG = `state: { folder: state }
remotes: [{ name: second, addresses: [192.0.2.2] }]
dnssec: { policies: { slow: { validity: 40d } } }
zones:
  folder: .
  policies:
    - { zones: [long.test], dnssec: default }
    - { zones: [fits.test, over.test, signed.test], dnssec: default, transfer: { to: [second] } }
    - { zones: [slow.test], dnssec: slow, transfer: { to: [second] } }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  put('adotd.yaml', CONFIG);
  put('long.test.zone', SOA(3_600_000));
  put('fits.test.zone', SOA(7 * 86_400 - 86_400));
  put('over.test.zone', SOA(7 * 86_400));
  put('slow.test.zone', SOA(14 * 86_400));
  put('signed.test.zone', `${SOA(1)}www A 192.0.2.1\nwww NSEC @ A NSEC\n`);
  put('plain.test.zone', SOA(3_600_000));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('says which zones would be signed, which were signed elsewhere, and where secondaries would serve what has expired', async () => {
  const ran = await runCommand('check', join(folder, 'adotd.yaml'));
  expect(ran.status).toBe(1);
  const lines = ran.stdout.replaceAll(`${folder}/`, '').trimEnd().split('\n');
  expect(lines.filter((line) => !line.includes('warning'))).toEqual([
    'over.test.zone:2:1: found EXPIRE 7d and TTLs up to 1d in zone over.test., expected at most 7d together, which is `refresh` of the signing policy default: a secondary that does not reach this server would serve signatures that have expired; set refresh: 8d and validity: 16d in `dnssec.policies`, or lower EXPIRE to 518400',
    'signed.test.zone:6:1: found www.signed.test. NSEC in the file of a zone that is signed here, expected no record that signing makes; it would not be signed: remove what another signer made (RRSIG, NSEC, NSEC3 and NSEC3PARAM records, and those of DNSKEY, CDS and CDNSKEY at the apex), and give its keys with `adotd ctl dnssec import`, name the other signers in `multi_signer` if it has several, or set `dnssec: off` in its policy',
  ]);
  expect(ran.stderr).toContain(
    'would be signed here: fits.test. (default), long.test. (default), over.test. (default), slow.test. (slow)\n6 zones, 2 errors, ',
  );
});

it('lists all zones that would be signed as JSON', async () => {
  const { stdout } = await runCommand('check', '--format', 'json', join(folder, 'adotd.yaml'));
  const { signed } = JSON.parse(stdout) as { signed: unknown };
  expect(signed).toEqual(
    ['fits', 'long', 'over', 'slow'].map((name) => {
      return { zone: `${name}.test.`, policy: name === 'slow' ? 'slow' : 'default' };
    }),
  );
});
