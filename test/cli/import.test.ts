/**
 * `adotd import` of the files in exports/: what it writes and says stands beside each in NAME.expected, notes first. The files have
 * the form, and the oddities, of real exports; the names are those of RFC 2606.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decode } from '../../src/cli/import/decode.js';
import { importZone } from '../../src/cli/import/imported-zone.js';
import { masterLines } from '../../src/cli/import/master-lines.js';
import { route53Lines } from '../../src/cli/import/route53.js';
import { Notes } from '../../src/cli/import/source-lines.js';
import { AdotdError } from '../../src/errors.js';
import { MAIN } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { seedOr } from '../support/seed.js';

const EXPORTS = join(import.meta.dirname, 'exports');
const names = readdirSync(EXPORTS).filter((name) => !name.endsWith('.expected'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string | Uint8Array): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe.each(names)('adotd import %s', (name) => {
  const file = join(EXPORTS, name);

  it('writes the zone, and says what was odd at its line', async () => {
    const { status, stdout, stderr } = await runCommand('import', file);
    expect(status).toBe(0);
    const said = `${stderr.replaceAll(file, name)}${stdout}`;
    expect(said).toBe(readFileSync(`${file}.expected`, 'utf8'));
  });

  it('writes a zone without errors, which is imported again without a note about its records', async () => {
    const written = join(folder, 'example.com.zone');
    expect((await runCommand('import', file, '--write', written)).stdout).toBe('');
    const checked = await runCommand('check', written);
    expect([checked.status, checked.stdout]).toEqual([0, '']);
    const again = await runCommand('import', written);
    const records = (text: string): string => text.replace(/^;.*\n/, '');
    expect(records(again.stdout)).toBe(records(readFileSync(written, 'utf8')));
    expect(again.stderr.split('\n').filter((line) => line !== '' && !/found nameserver|^zone /.test(line))).toEqual([]);
  });
});

describe('adotd import', () => {
  const text = readFileSync(join(EXPORTS, 'microsoft.dns'), 'utf8');

  it.each([
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le'), 'found UTF-16LE; converted to UTF-8'],
    ['UTF-16 in the other order', Buffer.from(text, 'utf16le').swap16(), 'found UTF-16BE; converted to UTF-8'],
    ['a byte order mark and CRLF', Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`), 'byte order mark; converted'],
    ['CR alone', Buffer.from(text.replaceAll('\n', '\r')), 'found CR line ends; converted to UTF-8'],
    ['gzip', gzipSync(text), 'found gzip; unpacked'],
    ['Latin-1', Buffer.from(`; Gr\xfc\xdfe\n${text}`, 'latin1'), 'found octets that are not UTF-8; read as Latin-1'],
  ])('reads %s', async (_, octets, note) => {
    const { stdout, stderr } = await runCommand('import', put('export.dns', octets));
    const plain = readFileSync(join(EXPORTS, 'microsoft.dns.expected'), 'utf8');
    expect(plain).toContain(stdout.replace(/^.*\n/, ''));
    expect(stderr).toContain(note);
  });

  it('reads standard input', () => {
    const out = execFileSync(process.execPath, [MAIN, 'import', '-'], {
      input: text,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    expect(out.toString()).toMatch(
      /^; zone example\.com\. imported from Microsoft DNS, standard input\nexample\.com\. 3600 IN SOA /,
    );
  });

  it('makes SOA and NS records where the export has none, and takes the name from --zone or the file', async () => {
    const file = put('db.example.com', 'www 60 IN A 192.0.2.1\n');
    const { status, stdout, stderr } = await runCommand('import', file);
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      'example.com. 300 IN SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300',
      'example.com. 300 IN NS ns1.example.com.',
    ]);
    expect(stderr).toContain('found no NS record at the apex; made one: ns1.example.com.; put in your own');
    expect((await runCommand('import', file, '--zone', 'other.test')).stdout).toContain(
      'www.other.test. 60 IN A 192.0.2.1',
    );
  });

  it('leaves out signatures whose chain is not whole', async () => {
    const file = put(
      'db.example.com',
      '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n@ NSEC3PARAM 1 0 0 -\n' +
        '2T7B4G4VSA5SMI47K61MV5BV1A22BOJR NSEC3 1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A\n',
    );
    const { status, stdout, stderr } = await runCommand('import', file);
    expect([status, stdout.includes('NSEC3')]).toEqual([0, false]);
    expect(stderr).toMatch(
      /found a signed zone, but found no NSEC3 record .*; its signatures are left out: remove its DS record/,
    );
  });

  it('keeps the signatures of a zone of which it changes nothing, and leaves them out otherwise', async () => {
    const rrsig = 'www RRSIG A 13 3 60 20301231000000 20200101000000 1 @ AA==\n';
    const zone = `$TTL 60\n@ SOA ns.a. h 1 2 3 4 5\n@ NS ns.a.\nwww A 192.0.2.1\n${rrsig}`;
    const whole = await runCommand('import', put('db.example.com', zone));
    expect([whole.status, whole.stdout.includes('RRSIG')]).toEqual([0, true]);
    const changed = await runCommand('import', put('db.example.com', `${zone}x A nonsense\n`));
    expect([changed.status, changed.stdout.includes('RRSIG')]).toEqual([0, false]);
    expect(changed.stderr).toContain('records were left out or changed; its signatures are left out');
  });

  it.each([
    ['{"Records": []}', 1, /expected that of `aws route53 list-resource-record-sets`/],
    ['{"ResourceRecordSets": [', 1, /begins as JSON does, but is not/],
    ['www 60 IN A 192.0.2.1\n', 2, /does not say which zone it is of; give --zone NAME/],
    ['a.test. 60 IN SOA ns. h. x\n', 1, /found no record of zone a\.test\./],
    ['\x1f\x8b broken', 1, /the compressed file \(gzip\) is damaged/],
  ])('says why it cannot: %j', async (content, status, message) => {
    const ran = await runCommand('import', put('export', Buffer.from(content, 'latin1')));
    expect([ran.status, ran.stdout]).toEqual([status, '']);
    expect(ran.stderr).toMatch(message);
  });

  it('writes over no file, and says so', async () => {
    const written = put('there', 'mine');
    const ran = await runCommand('import', join(EXPORTS, 'cpanel.db'), '--write', written);
    expect([ran.status, ran.stdout, readFileSync(written, 'utf8')]).toEqual([1, '', 'mine']);
    expect(ran.stderr).toMatch(/it exists already/);
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  it('throws nothing but errors of its own, whatever the export holds', () => {
    const all = names.map((name) => readFileSync(join(EXPORTS, name)));
    let state = seedOr(1);
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let i = 0; i < 300; i++) {
      const octets = Buffer.from(all[below(all.length)]!);
      for (let k = below(12); k >= 0; k--)
        octets[below(octets.length)] = below(4) === 0 ? below(256) : '\n "();\\.@$0a'.charCodeAt(below(12));
      const notes = new Notes();
      try {
        const text = decode(octets.subarray(below(9)), notes);
        const source = /^\s*[[{]/.test(text) ? route53Lines(text, notes) : masterLines(text, notes);
        importZone(source, source.zone ?? 'example.com.', 0, notes);
      } catch (error) {
        if (!(error instanceof AdotdError)) throw new Error(`octets ${octets.toString('base64')}`, { cause: error });
      }
      expect(notes.text('f').length).toBeGreaterThanOrEqual(0);
    }
  });
});
