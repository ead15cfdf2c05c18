import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { signingText } from '../../../src/cli/ctl/dnssec-text.js';
import { zoneKeysText } from '../../../src/cli/signing/zone-keys.js';
import { bindKeyStem, toBindPrivate, toBindPublic } from '../../../src/dnssec/keys/bind-key.js';
import { generateKey, keyToPem, type SigningKey } from '../../../src/dnssec/keys/signing-key.js';
import { silentLog } from '../../../src/observe/log.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { controlServer } from '../../../src/server/control/control.js';
import { listenOnSocket } from '../../../src/server/control/control-socket.js';
import type { SigningControl } from '../../../src/server/control/signing-control.js';
import type { DnssecStatus } from '../../../src/server/signing/signing-status.js';
import { controlTarget, STATUS as SERVER_STATUS, serveControl } from '../../server/control/control-support.js';
import type { Ran } from '../../support/cli.js';
import { runCommand } from '../../support/run-command.js';

const APEX = nameFromText('a.test.');
const [KSK, ZSK, CSK] = [generateKey(13, true), generateKey(13, false), generateKey(15, true)];
const DS = `${KSK.tag} 13 2 00FF`;
const NOW = Math.floor(Date.now() / 1000);

const STATUS: DnssecStatus = {
  zone: 'a.test.',
  policy: 'default',
  state: 'signed',
  isFrozen: false,
  signaturesDue: NOW + 3 * 86_400,
  next: NOW - 1,
  lastParentLook: { at: NOW - 60, text: '192.0.2.1 has no DS record' },
  keys: [
    {
      id: 'f00d',
      role: 'ksk',
      algorithm: 13,
      tag: KSK.tag,
      title: `KSK ${KSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
      waits: ['The DS record: waits until all servers of the parent have it.'],
      ds: DS,
      dnskey: '257 3 13 AAAA',
      records: { dnskey: 'omnipresent', krrsig: 'omnipresent', zrrsig: 'hidden', ds: 'rumoured' },
      goal: 'omnipresent',
      created: NOW - 86_400,
      active: undefined,
    },
    {
      id: 'beef',
      role: 'zsk',
      algorithm: 13,
      tag: ZSK.tag,
      title: `ZSK ${ZSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
      waits: [],
      ds: '1 13 2 AA',
      dnskey: '256 3 13 AAAA',
      records: { dnskey: 'omnipresent', krrsig: 'hidden', zrrsig: 'omnipresent', ds: 'hidden' },
      goal: 'omnipresent',
      created: NOW - 86_400,
      active: NOW,
    },
  ],
};

const text = (time: number): string => new Date(time * 1000).toISOString().replace('.000Z', 'Z');

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
const calls: unknown[] = [];
let status: DnssecStatus[] = [];

/** Keeps the commands that it gets. */
const signing: SigningControl = {
  known: {
    names: () => status.map(({ zone }) => zone),
    status: (zone) => status.find((one) => one.zone === zone),
  },
  async roll(zone, order) {
    calls.push(['roll', zone, order]);
    const waits = order.role === 'ksk' ? ['KSK 1 is not known to all resolvers yet.'] : [];
    return { costs: order.compromised ? ['It costs a day.'] : [], waits };
  },
  async dsSeen(zone, id, isThere) {
    calls.push(['dsSeen', zone, id, isThere]);
  },
  async freeze(zone, isFrozen) {
    calls.push(['freeze', zone, isFrozen]);
  },
  async sign(zone, isClockRight) {
    calls.push(['sign', zone, isClockRight]);
    return 7;
  },
  async start(zone) {
    calls.push(['start', zone]);
  },
  async importKeys(zone, keys) {
    calls.push(['import', zone, ...keys.map(({ role, key }) => `${role} ${key.algorithm} ${key.tag}`)]);
  },
  exportKeys: () => [
    { id: 'f00d', role: 'ksk', key: KSK },
    { id: 'beef', role: 'zsk', key: ZSK },
  ],
};

const path = (name: string): string => join(folder, name);
const socket = path('control');
const ctl = (...words: readonly string[]): Promise<Ran> => runCommand('ctl', '--socket', socket, 'dnssec', ...words);

/** Writes both files of a key as BIND does, with these times. */
function putBind(name: string, key: SigningKey, times: Record<string, number> = {}, apex = APEX): string {
  const lines = Object.entries(times).map(
    ([what, time]) => `${what}: ${new Date(time * 1000).toISOString().replace(/\D/g, '').slice(0, 14)}\n`,
  );
  const stem = path(`${name}-${bindKeyStem(apex, key)}`);
  writeFileSync(`${stem}.private`, toBindPrivate(key) + lines.join(''));
  writeFileSync(`${stem}.key`, toBindPublic(apex, key, 60));
  return `${stem}.private`;
}

serveControl(socket, () => {
  const tls = [{ address: '127.0.0.1', port: 853 }];
  const running = { ...SERVER_STATUS, addresses: { ...SERVER_STATUS.addresses, tls } };
  return controlTarget({ signing, status: () => running });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  calls.length = 0;
  status = [STATUS];
});

describe('adotd ctl dnssec', () => {
  it('says of each zone what is waited for, and which DS records to publish', async () => {
    expect(signingText([STATUS], NOW).split('\n')).toEqual([
      `a.test.: signed, policy default; signatures due in 3 d (${text(NOW + 3 * 86_400)}); next step now`,
      `  KSK ${KSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
      '    id f00d; DNSKEY omnipresent, signature over keys omnipresent, DS rumoured',
      '    The DS record: waits until all servers of the parent have it.',
      `    a.test. DS ${DS}`,
      `  ZSK ${ZSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
      '    id beef; DNSKEY omnipresent, signatures over the zone omnipresent',
      '  parent, 1 min ago: 192.0.2.1 has no DS record',
      '',
    ]);
    const ran = await ctl('status', 'A.test');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain(`    a.test. DS ${DS}\n`);
    expect(JSON.parse((await ctl('status', '--json')).stdout)).toEqual(JSON.parse(JSON.stringify([STATUS])));
  });

  it.each([
    [{ state: 'unsigned' }, 'a.test.: unsigned, policy default'],
    [{ state: 'leaving', policy: undefined }, 'a.test.: is to be unsigned'],
    [{ state: 'waiting', reason: 'x' }, 'a.test.: not signed yet, policy default\n  waits: x'],
    [
      { state: 'failed', reason: 'y' },
      'a.test.: cannot be signed; what was signed before is served, policy default\n  FAILED: y',
    ],
    [{ isFrozen: true }, 'a.test.: signed, policy default, FROZEN'],
  ] as const)('says %j', async (parts, text) => {
    const { signaturesDue: _, next: __, lastParentLook: ___, ...others } = STATUS;
    status = [{ ...others, keys: [], ...parts }];
    const ran = await ctl('status');
    expect(ran.stdout).toBe(`${text}\n`);
    expect(ran.status).toBe('state' in parts && parts.state === 'failed' ? 1 : 0);
  });

  it('says so when no zone is signed', async () => {
    status = [];
    expect(await ctl('status')).toMatchObject({ status: 0, stdout: 'no zone is signed here\n' });
  });

  it.each<[words: string[], call: unknown[], said: string]>([
    [['roll', 'a.test'], ['roll', 'a.test.', { compromised: false }], 'a.test gets new keys\n'],
    [['sign', 'a.test'], ['sign', 'a.test.', false], '7 signatures of a.test made anew\n'],
    [['sign', 'a.test', '--clock-is-right'], ['sign', 'a.test.', true], '7 signatures of a.test made anew\n'],
    [
      ['roll', 'a.test', '--role', 'ksk'],
      ['roll', 'a.test.', { role: 'ksk', compromised: false }],
      'a.test gets new keys later\nKSK 1 is not known to all resolvers yet.\n',
    ],
    [
      ['roll', 'A.TEST', '--role', 'zsk'],
      ['roll', 'a.test.', { role: 'zsk', compromised: false }],
      'A.TEST gets new keys\n',
    ],
    [
      ['roll', 'a.test', '--key', 'beef', '--compromised'],
      ['roll', 'a.test.', { id: 'beef', compromised: true }],
      'a.test gets new keys\nIt costs a day.\n',
    ],
    [
      ['ds-seen', 'a.test', String(KSK.tag)],
      ['dsSeen', 'a.test.', 'f00d', true],
      `the DS record of key ${KSK.tag} is at the parent of a.test\n`,
    ],
    [
      ['ds-gone', 'a.test', 'f00d'],
      ['dsSeen', 'a.test.', 'f00d', false],
      'the DS record of key f00d is no more at the parent of a.test\n',
    ],
    [['freeze', 'a.test'], ['freeze', 'a.test.', true], 'the keys of a.test stand still; signatures are renewed\n'],
    [['thaw', 'a.test'], ['freeze', 'a.test.', false], 'the keys of a.test move again\n'],
    [['start', 'a.test'], ['start', 'a.test.'], 'a.test may have a first key\n'],
  ])('carries out %j', async (words, call, said) => {
    expect(await ctl(...words)).toEqual({ status: 0, stdout: said, stderr: '' });
    expect(calls).toEqual([call]);
  });

  it.each<[words: string[], status: number, said: string]>([
    [[], 2, 'adotd ctl dnssec: expected status, roll, ds-seen, ds-gone, freeze, thaw, sign, start, import, export'],
    [['rol', 'a.test'], 2, 'adotd ctl dnssec: unknown command rol; did you mean roll?'],
    [['status', 'a', 'b'], 2, 'adotd ctl dnssec status: unexpected b'],
    [['roll'], 2, 'adotd ctl dnssec roll: expected ZONE'],
    [['roll', 'a.test', 'b'], 2, 'adotd ctl dnssec roll: expected ZONE'],
    [['ds-seen', 'a.test'], 2, 'adotd ctl dnssec ds-seen: expected ZONE KEY'],
    [['import', 'a.test'], 2, 'adotd ctl dnssec import: expected ZONE FILE…'],
    [['export', 'a.test'], 2, 'adotd ctl dnssec export: expected ZONE DIR'],
    [['roll', 'a.test', '--role', 'key'], 2, 'adotd ctl dnssec: --role: found key, expected csk, ksk or zsk'],
    [['status', 'b.test'], 1, 'b.test. is not signed by this server: its policy needs `dnssec`'],
    [['freeze', 'b.test'], 1, 'b.test. is not signed by this server'],
    [
      ['ds-seen', 'a.test', '1x'],
      1,
      `found no key 1x of a.test., expected the tag or the id of one: ${KSK.tag} (KSK, f00d), ${ZSK.tag} (ZSK, beef)`,
    ],
    [['import', 'a.test', '/no/such.private'], 1, 'cannot read /no/such.private: no such file'],
  ])('refuses %j', async (words, exit, said) => {
    const ran = await ctl(...words);
    expect(ran.status).toBe(exit);
    expect(ran.stderr).toContain(said);
    expect(calls).toEqual([]);
  });

  it('says that a server without state signs nothing', async () => {
    const other = controlServer(controlTarget(), silentLog);
    await listenOnSocket(other, path('other'));
    const ran = await runCommand('ctl', '--socket', path('other'), 'dnssec', 'status');
    other.close();
    expect(ran.stderr).toContain('this server signs no zones: expected `state` in its configuration');
  });
});

describe('adotd keys zone', () => {
  const keys = (...words: readonly string[]): Promise<Ran> =>
    runCommand('keys', 'zone', ...words, '--socket', socket, '--certs', path('certs'));

  it('prints what the registrar has to know, and the certificates', async () => {
    const ran = await keys('A.test');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout.split('\n').slice(0, 6)).toEqual([
      '; zone a.test.: signed, policy default',
      `; KSK ${KSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
      ';   The DS record: waits until all servers of the parent have it.',
      `a.test. DS ${DS}`,
      'a.test. DNSKEY 257 3 13 AAAA',
      `; ZSK ${ZSK.tag}, algorithm 13 (ECDSAP256SHA256), to be used`,
    ]);
    expect(ran.stdout).toMatch(/^; {3}TLSA {5}3 1 1 /m);
    const config = path('cleartext.yaml');
    writeFileSync(config, 'tls: { enabled: false }\n');
    const bare = await keys('a.test', '--config', config);
    expect([bare.status, bare.stdout.includes('TLSA')]).toEqual([0, false]);
    expect(JSON.parse((await keys('a.test', '--json')).stdout).zone).toEqual(JSON.parse(JSON.stringify(STATUS)));
  });

  it.each([
    ['hidden', `; not now: a.test. DS ${DS}`],
    ['unretentive', `; to be removed: a.test. DS ${DS}`],
  ] as const)('has a DS record that is %s as a comment', (ds, line) => {
    const [key] = STATUS.keys;
    const text = zoneKeysText({ ...STATUS, reason: 'why', keys: [{ ...key!, records: { ...key!.records, ds } }] });
    expect(text.split('\n').slice(1)).toEqual([';   why', `; ${key!.title}`, `;   ${key!.waits[0]}`, line, '']);
  });

  it('refuses what is not one zone, and a socket without a zone', async () => {
    expect((await keys()).stderr).toContain('adotd keys zone: found no name, expected the name of one zone');
    expect((await keys('a', 'b')).stderr).toContain('found b, expected the name of one zone');
    expect((await keys('b.test')).stderr).toContain('b.test. is not signed by this server');
    expect((await runCommand('keys', '--socket', socket)).stderr).toContain(
      'expected only behind adotd keys zone NAME',
    );
  });
});

describe('adotd ctl dnssec export and import', () => {
  it('write keys for the user alone, overwrite nothing, and take them back', async () => {
    const out = path('out');
    const ran = await ctl('export', 'a.test', out);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('2 keys of a.test written:');
    expect(statSync(out).mode & 0o777).toBe(0o700);
    const files = readdirSync(out).map((name) => join(out, name));
    expect(files).toHaveLength(6);
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(out, `${bindKeyStem(APEX, KSK)}.pem`), 'utf8')).toBe(keyToPem(KSK));
    expect((await ctl('export', 'a.test', out)).stderr).toContain(`cannot write keys into ${out}: `);
    // There the system says ENOENT for a folder that cannot be made.
    for (const none of ['/proc/nix', '/proc/nix/keys', path('control/keys')])
      expect((await ctl('export', 'a.test', none)).stderr).toMatch(`cannot write keys into ${none}: `);
    expect((await ctl('export', 'a.test', path('new/folder/keys'))).status).toBe(0);
    const imported = await ctl('import', 'a.test', ...files.filter((file) => !file.endsWith('.pem')));
    expect(imported).toMatchObject({ status: 0, stderr: '' });
    const [call = []] = calls as unknown[][];
    expect([...call].sort()).toEqual(['a.test.', 'import', `ksk 13 ${KSK.tag}`, `zsk 13 ${ZSK.tag}`]);
  });

  it('take what a zone is signed with now: neither old keys nor those to come, and no half of a roll', async () => {
    const past = NOW - 1000;
    const files = [
      putBind('now', CSK, { Publish: past, Activate: past }),
      putBind('old', generateKey(13, true), { Publish: past, Activate: past, Inactive: past, Delete: past }),
      putBind('new', generateKey(13, true), { Publish: NOW + 1000, Activate: NOW + 2000 }),
    ];
    expect((await ctl('import', 'a.test', ...files)).stdout).toBe('1 key of a.test imported: CSK\n');
    expect(calls).toEqual([['import', 'a.test.', `csk 15 ${CSK.tag}`]]);
    const retired = putBind('retired', ZSK, { Publish: past, Activate: past, Inactive: past });
    const early = putBind('early', ZSK, { Publish: past, Activate: NOW + 1000 });
    for (const [file, how] of [
      [retired, 'retired, and still published'],
      [early, 'published, and not in use yet'],
    ] as const)
      expect((await ctl('import', 'a.test', files[0]!, file)).stderr).toContain(
        `${file}: found key ${ZSK.tag} ${how}: let the other program finish its roll before the zone moves`,
      );
    const foreign = putBind('foreign', KSK, {}, nameFromText('b.test.'));
    expect((await ctl('import', 'a.test', foreign)).stderr).toContain('found a key of b.test., expected one of a.test');
    expect((await ctl('import', 'a.test', files[1]!)).stderr).toContain('found no key that a.test is signed with now');
    expect(calls).toHaveLength(1);
  });

  it('take keys of Knot by its list, from the files beside it', async () => {
    const key = (id: string, { tag }: SigningKey, ksk: boolean, times: object) => {
      const none = { publish: 0, active: 0, retire: 0, remove: 0 };
      return { zone: 'a.test.', id, ksk, zsk: !ksk, algorithm: 13, tag, 'public-only': false, ...none, ...times };
    };
    writeFileSync(path('0a.pem'), keyToPem(KSK));
    writeFileSync(path('0b.pem'), keyToPem(ZSK));
    const active = { publish: 1, active: 1 };
    writeFileSync(path('keys.json'), JSON.stringify([key('0a', KSK, true, active), key('0b', ZSK, false, active)]));
    expect((await ctl('import', 'a.test', path('keys.json'), path('0b.pem'))).status).toBe(0);
    expect(calls).toEqual([['import', 'a.test.', `ksk 13 ${KSK.tag}`, `zsk 13 ${ZSK.tag}`]]);
    for (const times of [{ 'pre-active': 1 }, { publish: 1 }, { ...active, 'retire-active': 1 }]) {
      writeFileSync(path('rolls.json'), JSON.stringify([key('0a', KSK, true, active), key('0b', ZSK, false, times)]));
      expect((await ctl('import', 'a.test', path('rolls.json'))).stderr).toContain(
        'let the other program finish its roll',
      );
    }
    writeFileSync(path('broken.json'), '{}');
    expect((await ctl('import', 'a.test', path('broken.json'))).stderr).toContain(
      'expected the output of "keymgr -j ZONE list"',
    );
  });

  it('take a PEM file with what its key is for', async () => {
    const file = path('key.pem');
    writeFileSync(file, keyToPem(CSK));
    expect((await ctl('import', 'a.test', file)).stderr).toContain('expected --role csk, ksk or zsk as well');
    await ctl('import', 'a.test', file, '--role', 'csk');
    await ctl('import', 'a.test', file, '--role', 'csk', '--algorithm', 'ed25519');
    expect(calls).toEqual(Array.from({ length: 2 }, () => ['import', 'a.test.', `csk 15 ${CSK.tag}`]));
    expect((await ctl('import', 'a.test', file, '--role', 'csk', '--algorithm', '13')).stderr).toContain(
      'found a private key of type ed25519, expected one for algorithm 13',
    );
    writeFileSync(file, 'nothing');
    expect((await ctl('import', 'a.test', file, '--role', 'zsk')).stderr).toContain('expected a private key in PEM');
    expect(existsSync(file)).toBe(true);
  });
});
