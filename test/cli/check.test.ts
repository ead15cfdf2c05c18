import { createPrivateKey } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adotd } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { make } from '../tls/support.js';

const GOOD = '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n';
const BAD = '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2\nmail AAAA ::g\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('adotd check', () => {
  it('says nothing on standard output of zones without mistakes', async () => {
    put('a.test.zone', GOOD);
    expect(await adotd('check', folder)).toEqual({ status: 0, stdout: '', stderr: '1 zone, 0 errors, 0 warnings\n' });
  });

  it('prints file:line:column: message for every mistake, in the order of the file', async () => {
    const file = put('a.test.zone', BAD);
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(1);
    const lines = ran.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`^${file}:5:7: .+`));
    expect(lines[1]).toMatch(new RegExp(`^${file}:6:11: .+`));
  });

  it('counts warnings as errors with --strict', async () => {
    const file = put('a.test.zone', `${GOOD}mx MX 1 nowhere\n`);
    const said = `${file}:5:1: warning: found MX nowhere.a.test. without address, expected A or AAAA records for it in this zone\n`;
    expect(await runCommand('check', file)).toMatchObject({ status: 0, stdout: said });
    expect(await runCommand('check', '--strict', file)).toMatchObject({ status: 1, stdout: said });
    put('a.test.zone', GOOD);
    expect(await runCommand('check', '--strict', file)).toMatchObject({ status: 0, stdout: '' });
  });

  it('says once of a file that is given by the folder and by itself, too', async () => {
    const file = put('a.test.zone', GOOD);
    const config = put('adotd.yaml', 'zones: { folder: ., files: [{ name: a.test, file: ./a.test.zone }] }\n');
    expect((await runCommand('check', config)).stdout).toBe(
      `${file}:1:1: zone a.test. is given twice by this file; expected it once, in \`zones.folder\` or in \`zones.files\`\n`,
    );
  });

  it('warns of a key that was removed, and goes on without it', async () => {
    const config = put('adotd.yaml', 'starttls:\n  record_per_message: true\nprot: 53\n');
    const { status, stdout } = await runCommand('check', config);
    expect([status, stdout.split('\n')]).toEqual([
      1,
      [
        expect.stringMatching(/adotd\.yaml:2:3: warning: starttls\.record_per_message: .*; take the key out$/),
        expect.stringMatching(/adotd\.yaml:3:1: prot: unknown key/),
        '',
      ],
    ]);
    put('adotd.yaml', 'starttls:\n  record_per_message: true\n');
    expect((await runCommand('check', config)).status).toBe(0);
  });

  it('says that a control socket cannot be below a file', async () => {
    const file = put('file', '');
    const config = put('adotd.yaml', 'control: { socket: file/socket }\n');
    expect((await runCommand('check', config)).stdout).toBe(
      `${config}:1:20: cannot listen on the control socket ${file}/socket: ${file} is no folder\n`,
    );
  });

  it('lists as many as it is asked to, and says how many more there are', async () => {
    const file = put('a.test.zone', GOOD + 'www A nonsense\n'.repeat(30));
    const ran = await runCommand('check', '--limit', '2', file);
    expect(ran.status).toBe(1);
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('prints one JSON object for machines', async () => {
    const file = put('a.test.zone', BAD);
    const ran = await runCommand('check', '--format', 'json', file);
    expect(ran.status).toBe(1);
    expect(JSON.parse(ran.stdout)).toEqual({
      zones: 1,
      signed: [],
      errors: 2,
      warnings: 0,
      diagnostics: [
        { severity: 'error', file, line: 5, column: 7, message: expect.any(String) },
        { severity: 'error', file, line: 6, column: 11, message: expect.any(String) },
      ],
    });
  });

  it('exits with 0 when there are only warnings', async () => {
    const file = put('a.test.zone', `${GOOD}d NS ns.d\n`);
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^\S+:5:\d+: warning: /);
  });

  it('checks a configuration and the zones it names', async () => {
    put('a.test.zone', BAD);
    const config = put('adotd.yaml', 'zones: { folder: . }\n');
    const ran = await runCommand('check', config);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain(`${join(folder, 'a.test.zone')}:5:7: `);
    const wrong = await runCommand('check', put('wrong.yaml', 'zones: { folder: . }\nprot: 1\n'));
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toBe(`${join(folder, 'wrong.yaml')}:2:1: prot: unknown key; did you mean port?\n`);
  });

  it('finds two files with one zone', async () => {
    const one = put('a.test.zone', GOOD);
    const two = put('b.zone', `$ORIGIN A.TEST.\n${GOOD}`);
    const ran = await runCommand('check', folder);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain(`${one}:1:1: zone a.test. is in ${two} too`);
    expect(ran.stdout).toContain(`${two}:1:1: zone A.TEST. is in ${one} too`);
  });

  it('takes the name of a zone whose file is called otherwise', async () => {
    const one = put('db.one', GOOD);
    const two = put('export.txt', GOOD.replace('192.0.2.1', 'nonsense'));
    const ran = await runCommand('check', '--zone', `one.test=${one}`, '--zone', `two.test=${two}`, '--print');
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(/^ns\.one\.test\. 60 IN A 192\.0\.2\.1$/m);
    expect(ran.stderr).toMatch(/^\S+export\.txt:4:6: found "nonsense".*\n2 zones, 1 error, 0 warnings\n$/);
  });

  it.each([
    ['one.test', '--zone: found one.test, expected NAME=FILE'],
    ['=file', '--zone: found =file, expected NAME=FILE'],
    ['a..b=file', /--zone: .*empty label/],
  ])('refuses --zone %s', async (word, message) => {
    const ran = await runCommand('check', '--zone', word);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('refuses a zone that is given twice', async () => {
    const file = put('db.one', GOOD);
    const ran = await runCommand('check', '--zone', `one.test=${file}`, '--zone', `ONE.test.=${file}`);
    expect([ran.status, ran.stderr]).toEqual([
      2,
      'adotd check: --zone: ONE.test. is given twice, expected each zone once\n',
    ]);
  });

  it('warns of a file whose zone is not the one that it is given as', async () => {
    const file = put('db.one', `$ORIGIN two.test.\n${GOOD}`);
    const ran = await runCommand('check', '--zone', `one.test=${file}`);
    expect([ran.status, ran.stdout]).toEqual([
      0,
      `${file}:1:1: warning: found zone two.test. in the file that is given as one.test.; its SOA record names the zone\n`,
    ]);
  });

  it('asks once whether a final dot is missing, as in an export whose SOA record lacks it', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `n${i}.one.test.\t300\tIN\tA\t192.0.2.${i}\n`).join('');
    const file = put('export.txt', `one.test\t3600\tIN\tSOA\tns. h. 1 2 3 4 5\none.test.\t60\tIN\tNS\tns.\n${names}`);
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe(
      `${file}:1:1: found zone one.test.export.txt., but 9 names with data at or below one.test. (the first in line 2); ` +
        'final dot? Write the owner of the SOA record, or the origin, as one.test.\n',
    );
  });

  it('says that a folder has no zone files, what is there, and what to do', async () => {
    const name = join(folder, 'db.one.test');
    put('db.one.test', GOOD);
    put('two.test.db', GOOD);
    put('.zone', GOOD);
    const said =
      `found no file in ${folder} whose name ends in .zone, but db.one.test and 1 more; if these are zone files, ` +
      `rename them (db.one.test to one.test.zone), or name each with --zone one.test=${name}, or in \`zones.files\``;
    const ran = await runCommand('check', folder);
    expect([ran.status, ran.stdout]).toEqual([1, `${folder}:1:1: ${said}\n`]);
    const config = join(folder, 'adotd.yaml');
    put('adotd.yaml', 'zones: { folder: . }\n');
    const warned = await runCommand('check', config);
    expect(warned.status).toBe(0);
    expect(warned.stdout).toMatch(
      /:1:18: warning: found no file in .* whose name ends in \.zone, but adotd\.yaml and 2 more/,
    );
  });

  it('says that a folder is empty', async () => {
    const ran = await runCommand('check', folder);
    expect([ran.status, ran.stdout]).toEqual([
      1,
      `${folder}:1:1: found no file in ${folder} whose name ends in .zone, and no other file\n`,
    ]);
  });

  it('says that a path is not there', async () => {
    const ran = await runCommand('check', '/nonexistent');
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe('/nonexistent:1:1: cannot read /nonexistent: no such file or directory\n');
  });

  it('prints a zone in canonical form that reads the same', async () => {
    const file = put('a.test.zone', GOOD);
    const printed = await runCommand('check', '--print', file);
    expect(printed.status).toBe(0);
    expect(printed.stdout).toMatch(/^ns\.a\.test\.\s+60\s+(IN\s+)?A\s+192\.0\.2\.1$/m);
    const again = await runCommand('check', '--print', put('printed.zone', printed.stdout));
    expect(again.stdout).toBe(printed.stdout);
  });
});

describe('adotd check of a configuration with zones that require TLS', () => {
  const config = (text: string): string => put('adotd.yaml', text);
  const POLICIES = 'zones:\n  folder: .\n  policies:\n    - { zones: [secret.a.test], require: tls }\n';

  it('proves that nothing of them is sent in cleartext', async () => {
    put('a.test.zone', `${GOOD}secret NS ns.elsewhere.test.\n`);
    put('secret.a.test.zone', GOOD);
    const ran = await runCommand('check', config(POLICIES));
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '2 zones, 0 errors, 0 warnings\n' });
  });

  it('warns of what a zone above gives away, at its line, and of zones below that are open', async () => {
    const above = put('a.test.zone', `${GOOD}secret NS ns.secret\nns.secret A 192.0.2.7\n`);
    put('secret.a.test.zone', GOOD);
    put('b.secret.a.test.zone', GOOD);
    const file = config(POLICIES);
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(0);
    expect(ran.stdout.trimEnd().split('\n')).toEqual([
      `${above}:6:1: warning: found ns.secret.a.test. A, glue, which is sent in cleartext, but zone secret.a.test. requires TLS (zones.policies)`,
      expect.stringMatching(
        `^${file}:4:17: warning: zones\\.policies\\[0\\]\\.zones\\[0\\]: secret\\.a\\.test\\. requires TLS, but b\\.secret\\.a\\.test\\. below it`,
      ),
    ]);
    expect(ran.stderr).toBe('3 zones, 0 errors, 2 warnings\n');
  });

  it('takes a name that no zone has for a mistake: the zone that was meant is open', async () => {
    put('secret.a.test.zone', GOOD);
    const file = config(POLICIES.replace('secret.a.test', 'secert.a.test'));
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe(
      `${file}:4:17: zones.policies[0].zones[0]: no zone secert.a.test. is served; did you mean secret.a.test.?\n`,
    );
  });

  it('does not accept them where TLS is off', async () => {
    put('secret.a.test.zone', GOOD);
    const file = config(`${POLICIES}tls: { enabled: false }\n`);
    const ran = await runCommand('check', file);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(
      /^\S+:4:42: zones\.policies\[0\]\.require: found "tls", expected tls\.enabled: true as well/,
    );
  });
});

describe('adotd check of a configuration that serve would refuse', () => {
  /** A certificate and its key, made by the server itself. */
  const pair = async (name: string): Promise<void> => {
    await runCommand('keys', '--zones', folder, '--certs', join(folder, name));
  };
  const check = async (text: string) => {
    const file = put('adotd.yaml', text);
    const { status, stdout } = await runCommand('check', file);
    return { status, lines: stdout.replaceAll(`${folder}/`, '').split('\n').slice(0, -1) };
  };
  const certificates = (cert: string, key: string): string =>
    `tls:\n  certificates:\n    - cert: ${cert}\n      key: ${key}\n`;

  it('finds certificates and keys that are missing, do not belong together, or are encrypted', async () => {
    await pair('one');
    await pair('two');
    const [one, two] = ['one/self-signed.pem', 'two/self-signed.key'];
    expect(await check(certificates(one, 'one/self-signed.key'))).toEqual({ status: 0, lines: [] });
    expect(await check(certificates(one, two))).toEqual({
      status: 1,
      lines: [`adotd.yaml:3:13: certificate ${one} and private key ${two} do not belong together`],
    });
    expect((await check(certificates(one, 'no.key'))).lines).toEqual([
      'adotd.yaml:4:12: cannot read private key no.key: no such file or directory',
    ]);
    expect((await check(certificates('no.pem', 'no.key'))).lines).toEqual([
      'adotd.yaml:4:12: cannot read private key no.key: no such file or directory',
      'adotd.yaml:3:13: cannot read certificate no.pem: no such file or directory',
    ]);
    const secret = createPrivateKey(readFileSync(join(folder, two)));
    const sealed = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    put('sealed.key', secret.export(sealed).toString());
    expect((await check(certificates(one, 'sealed.key'))).lines).toEqual([
      expect.stringMatching(/^adotd\.yaml:4:12: private key sealed\.key is encrypted/),
    ]);
    expect(await check(`${certificates('no.pem', 'no.key')}  enabled: false\n`)).toEqual({ status: 0, lines: [] });
  });

  it('warns of certificates that name no nameserver of the zones, and of those that are never served', async () => {
    put('a.test.zone', GOOD);
    for (const [name, names] of [
      ['www', ['www.a.test']],
      ['ns', ['ns.a.test', '*.a.test']],
      ['again', ['NS.a.test']],
    ] as const) {
      const { cert, key } = await make({ names });
      put(`${name}.pem`, cert);
      writeFileSync(join(folder, `${name}.key`), key, { mode: 0o600 });
    }
    const pairs = ['www', 'ns', 'again'].map((name) => `    - { cert: ${name}.pem, key: ${name}.key }\n`).join('');
    expect(await check(`zones: { folder: . }\ntls:\n  certificates:\n${pairs}`)).toEqual({
      status: 0,
      lines: [
        expect.stringMatching(
          /^adotd\.yaml:4:15: warning: certificate www\.pem names no nameserver of any zone: it is for www\.a\.test, and the zones name ns\.a\.test\.;/,
        ),
        expect.stringMatching(
          /^adotd\.yaml:6:15: warning: certificate again\.pem is never served: all of its names are those of ns\.pem, whose key is of the same kind \(ec\);/,
        ),
      ],
    });
  });

  it('makes nothing, and finds what the certificate of its own cannot be made in, or of', async () => {
    expect(await check('tls: { certs_folder: fresh/certs }\n')).toEqual({ status: 0, lines: [] });
    expect(existsSync(join(folder, 'fresh'))).toBe(false);
    put('file', '');
    expect((await check('tls: { certs_folder: file/certs }\n')).lines).toEqual([
      'adotd.yaml:1:22: cannot write to the folder of certificates file/certs: file is no folder',
    ]);
    await pair('own');
    put('own/self-signed.key', 'spoiled');
    expect((await check('tls: { certs_folder: own }\n')).lines).toEqual([
      expect.stringMatching(/^adotd\.yaml:1:22: private key own\/self-signed\.key is not PEM/),
    ]);
  });

  it.each([
    ['tls: { ticket_key_file: none }', /:1:25: cannot read ticket keys none: no such file/],
    ['cookies: { secret_file: none }', /:1:25: cannot read the cookie secrets none: no such file/],
    ['user: nobody-of-that-name', /:1:7: `user: nobody-of-that-name` is not in \/etc\/passwd/],
    ['user: 65533', /:1:7: `user: 65533` is not in \/etc\/passwd, .*; name `group` too/],
    ['group: nogroup', /:1:8: `group: nogroup` without `user`/],
    ['user: nobody\ngroup: no-such-group', /:2:8: `group: no-such-group` is not in \/etc\/group/],
    [
      `control: { socket: ${'x'.repeat(119)} }`,
      /:1:20: cannot listen on the control socket .*: the path has \d+ octets/,
    ],
    [
      'control: { socket: adotd.yaml }',
      /:1:20: cannot listen on the control socket .*: there is a file that is no socket/,
    ],
    ['zones: { folder: none }', /:1:18: cannot read the zones folder none: no such file/],
  ])('finds what is wrong with %s', async (text, message) => {
    const { status, lines } = await check(`${text}\n`);
    expect(lines).toEqual([expect.stringMatching(message)]);
    expect(status).toBe(1);
  });

  it('finds files of other nameservers that cannot be read, and warns of UPDATE by an address alone', async () => {
    const text = `state: { folder: state }
remotes:
  - { name: one, addresses: [192.0.2.1], tls: { name: one.test, ca: ca.pem, cert: cert.pem, key_file: key.pem } }
  - { name: two, addresses: [192.0.2.2] }
transfer: { listen: [{ address: 127.0.0.1, port: 8899, client_ca: clients.pem }] }
zones:
  policies:
    - { default: true, update: [{ remote: two, allow: [{ name: x.a.test }] }] }
`;
    const { status, lines } = await check(text);
    expect([status, lines]).toEqual([
      1,
      [
        expect.stringMatching(/^adotd\.yaml:3:\d+: cannot read the authorities file ca\.pem: no such file/),
        expect.stringMatching(/^adotd\.yaml:3:\d+: cannot read certificate cert\.pem: no such file/),
        expect.stringMatching(/^adotd\.yaml:5:\d+: cannot read the authorities file clients\.pem: no such file/),
        expect.stringMatching(/^adotd\.yaml:8:\d+: warning: two is known by its addresses only/),
      ],
    ]);
  });

  it('warns where the folder of the control socket, or of a log, may be made by the service manager', async () => {
    const { status, lines } = await check('control: { socket: run/adotd.sock }\n');
    expect([status, lines]).toEqual([0, [expect.stringMatching(/^adotd\.yaml:1:20: warning: .* does not exist/)]]);
    const logs = 'query_log: { enabled: true, file: log/queries }\ndnstap: { file: log/tap }\n';
    expect(await check(logs)).toEqual({
      status: 0,
      lines: [
        'adotd.yaml:1:35: warning: the folder of log/queries does not exist; a start needs it',
        'adotd.yaml:2:17: warning: the folder of log/tap does not exist; a start needs it',
      ],
    });
    expect(await check('query_log: { file: log/queries }\n')).toEqual({ status: 0, lines: [] });
  });

  it('finds what the user that the server becomes may not do', async () => {
    chmodSync(folder, 0o755);
    const open = join(folder, 'open');
    mkdirSync(open);
    mkdirSync(join(folder, 'closed'), { mode: 0o755 });
    chmodSync(open, 0o777);
    put('secret', '0123456789abcdef0123456789abcdef\n');
    chmodSync(join(folder, 'secret'), 0o600);
    // This program itself may be in a folder that is closed to others.
    const about = async (text: string) => {
      const { status, lines } = await check(`user: nobody\n${text}\n`);
      return { status, lines: lines.filter((line) => !line.includes('thread-programs')) };
    };
    expect(await about('control: { socket: closed/socket }')).toEqual({
      status: 1,
      lines: ['adotd.yaml:2:20: nobody cannot make the control socket closed/socket: let it write to closed'],
    });
    for (const text of [
      'control: { socket: open/socket }',
      'query_log: { enabled: true, file: open/queries }',
      'dnstap: { file: open/tap }',
    ])
      expect(await about(text)).toEqual({ status: 0, lines: [] });
    expect(await about('cookies: { secret_file: secret }')).toEqual({
      status: 0,
      lines: [expect.stringMatching(/^adotd\.yaml:1:7: warning: nobody cannot read secret: reloads will fail/)],
    });
    put('open/queries', '');
    chmodSync(join(open, 'queries'), 0o640);
    expect(await about('query_log: { enabled: true, file: open/queries }')).toEqual({
      status: 1,
      lines: ['adotd.yaml:2:35: nobody cannot write open/queries: let it write the file, and to open'],
    });
    chmodSync(folder, 0o700);
    expect((await about('control: { socket: open/socket }')).status).toBe(1);
  });
});
