import { describe, expect, it } from 'vitest';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView, type ZoneView } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { imageText } from '../../../src/image/text.js';
import { Rcode, Type } from '../../../src/protocol/iana.js';
import { nameFromText, sameName } from '../../../src/protocol/name.js';
import { readU32 } from '../../../src/protocol/octets.js';
import { judgeUpdate, type UpdateVerdict } from '../../../src/transfer/update/judge-update.js';
import { readUpdate, type UpdateMessage } from '../../../src/transfer/update/update-message.js';
import { Permissions, type UpdateGrant } from '../../../src/transfer/update/update-policy.js';
import { RunCursor } from '../../../src/zone/changes/record-run.js';
import { imageOf, OPTIONS } from '../../image/changes/versions.js';
import { randomFrom } from '../../zone/random-zone.js';
import { CHANGES, PREREQUISITES, REFUSALS } from './cases.js';
import { type UpdateCase, updateMessage, type WireUpdate, ZONE } from './update-case.js';

const KEY = nameFromText('client.key.');
const ALL_TYPES = new Set(Array.from({ length: 65_536 }, (_, type) => type));
const EVERYTHING = permissions({ subdomain: nameFromText('example.'), types: ALL_TYPES });

function permissions(...allow: readonly UpdateGrant[]): Permissions {
  return new Permissions([{ key: KEY, allow }], { key: KEY, isRemote: () => false });
}

function read(update: WireUpdate): UpdateMessage {
  const message = readUpdate(updateMessage(update));
  if (typeof message === 'string') throw new Error(message);
  return message;
}

const zoneImage = (lines: readonly string[]): Uint8Array => imageOf(`${lines.join('\n')}\n`);
/** The records of an image as lines, sorted, without the serial of the SOA record where that is not of interest. */
function linesOf(image: Uint8Array): string[] {
  return [...imageText(image)].join('').toLowerCase().split('\n').filter(Boolean).sort();
}

function judge(lines: readonly string[], update: WireUpdate, may = EVERYTHING): UpdateVerdict {
  return judgeUpdate(new ImageView(zoneImage(lines)), read(update), may);
}

/** The image after an update, its serial raised unless the update has set it; the same image when nothing changes. */
function changed(image: Uint8Array, { changes }: UpdateVerdict): Uint8Array {
  if (changes === undefined) return image;
  const view = new PendingView(new ImageView(image));
  view.apply(changes);
  const [soa] = view.rrset(view.apex, Type.SOA);
  const serial = readU32(soa!.rdata, soa!.rdata.length - 20);
  const difference = view.difference(changes.soa === undefined ? serial + 1 : serial);
  const { image: newer, diagnostics } = applyDifference(image, difference, OPTIONS);
  expect(diagnostics.list.filter(({ severity }) => severity === 'error')).toEqual([]);
  return newer!;
}

function expectCase({ zone = [], rcode = 'NOERROR', removed = [], added = [], ...update }: UpdateCase): void {
  const before = [...ZONE, ...zone];
  const verdict = judge(before, update);
  expect([verdict.refusal?.rcode ?? 0, verdict.refusal?.reason]).toEqual([
    Rcode[rcode as keyof typeof Rcode],
    rcode === 'NOERROR' ? undefined : expect.any(String),
  ]);
  const image = zoneImage(before);
  const after = [...before.filter((line) => !removed.includes(line)), ...added];
  expect(before.length - removed.length + added.length).toBe(after.length);
  const isSerialSet = added.some((line) => line.includes(' SOA '));
  const raised = after.map((line) =>
    isSerialSet || verdict.changes === undefined ? line : line.replace(' 10 7200', ' 11 7200'),
  );
  expect(linesOf(changed(image, verdict))).toEqual(linesOf(zoneImage(raised)));
  if (removed.length + added.length === 0) expect(verdict.changes).toBeUndefined();
}

describe('a prerequisite', () => {
  it.each(PREREQUISITES)('$title ($clause)', expectCase);
});

describe('a change', () => {
  it.each(CHANGES)('$title ($clause)', expectCase);
});

describe('what the zone cannot have is refused', () => {
  it.each(REFUSALS)('$title ($clause)', expectCase);

  it('when an RRset would not fit into a message', () => {
    const changes = Array.from({ length: 245 }, (_, i) => `big 60 IN TXT "${'x'.repeat(250)}${i}"`);
    expect(judge(ZONE, { changes: changes.slice(0, 240) }).refusal).toBeUndefined();
    const { refusal } = judge(ZONE, { changes });
    expect(refusal).toEqual({
      rcode: Rcode.REFUSED,
      reason: expect.stringMatching(/^big\.example\. TXT would have \d+ octets/),
    });
  });
});

describe('a policy', () => {
  const acme = { name: nameFromText('_acme-challenge.www.example.'), types: new Set<number>([Type.TXT]) };
  const refused = (update: WireUpdate, ...allow: readonly UpdateGrant[]): number | undefined =>
    judge(ZONE, update, permissions(...allow)).refusal?.rcode;

  it('with a name lets that name be changed, and those types', () => {
    expect(refused({ changes: ['_acme-challenge.www 60 IN TXT "x"'] }, acme)).toBeUndefined();
    expect(refused({ changes: ['_ACME-challenge.WWW 0 ANY TXT'] }, acme)).toBeUndefined();
    for (const change of [
      'www 60 IN TXT "x"',
      '_acme-challenge.www 60 IN A 192.0.2.1',
      'x._acme-challenge.www 60 IN TXT "x"',
    ])
      expect([change, refused({ changes: [change] }, acme)]).toEqual([change, Rcode.REFUSED]);
  });

  it('lets nothing be changed when one of several changes is not allowed', () => {
    expect(refused({ changes: ['_acme-challenge.www 60 IN TXT "x"', 'www 0 ANY ANY'] }, acme)).toBe(Rcode.REFUSED);
  });

  it('with a subdomain lets that name and those below be changed', () => {
    const grant = { subdomain: nameFromText('Ent.example.') };
    for (const name of ['ent', 'deep.ent', 'a.b.ent'])
      expect(refused({ changes: [`${name} 60 IN A 192.0.2.1`] }, grant)).toBeUndefined();
    for (const name of ['@', 'xent', 'www'])
      expect(refused({ changes: [`${name} 60 IN A 192.0.2.1`] }, grant)).toBe(Rcode.REFUSED);
  });

  it('with self lets the name of the key be changed', () => {
    const self = new Permissions([{ key: nameFromText('www.example.'), allow: [{ self: true }] }], {
      key: nameFromText('www.example.'),
      isRemote: () => false,
    });
    const rcodeOf = (changes: string[]): number | undefined => judge(ZONE, { changes }, self).refusal?.rcode;
    expect([rcodeOf(['WWW 60 IN A 192.0.2.1']), rcodeOf(['a.www 60 IN A 192.0.2.1'])]).toEqual([
      undefined,
      Rcode.REFUSED,
    ]);
  });

  it('without types lets all be changed but SOA and NS', () => {
    const grant = { subdomain: nameFromText('example.') };
    expect(refused({ changes: ['x 60 IN TYPE65280 \\# 0'] }, grant)).toBeUndefined();
    expect(refused({ changes: ['x 60 IN NS ns1.example.'] }, grant)).toBe(Rcode.REFUSED);
    expect(refused({ changes: ['child 0 ANY ANY'] }, grant)).toBe(Rcode.REFUSED);
    expect(refused({ changes: ['@ 0 ANY ANY'] }, grant)).toBeUndefined();
  });

  it('has to allow each type at a name that is deleted', () => {
    const grant = { name: nameFromText('www.example.'), types: new Set<number>([Type.A]) };
    expect(refused({ changes: ['www 0 ANY ANY'] }, grant)).toBe(Rcode.REFUSED);
    expect(
      refused({ changes: ['www 0 ANY ANY'] }, grant, { ...grant, types: new Set<number>([Type.TXT]) }),
    ).toBeUndefined();
    expect(refused({ changes: ['no 0 ANY ANY'] }, grant)).toBe(Rcode.REFUSED);
  });

  it('decides behind the prerequisites, and before malformed records', () => {
    const update = { prerequisites: ['no 0 ANY ANY'], changes: ['www 60 IN A 192.0.2.1'] };
    expect(refused(update, acme)).toBe(Rcode.NXDOMAIN);
    expect(refused({ changes: ['www 1 ANY A', 'www 60 IN A 192.0.2.1'] }, acme)).toBe(Rcode.REFUSED);
    expect(refused({ changes: ['www 1 ANY A'] }, acme)).toBe(Rcode.FORMERR);
  });

  it('is for the client with the key and the remote that it names, and for nobody when it names neither', () => {
    const updater = { key: KEY, isRemote: (name: string) => name === 'office' };
    const isEmpty = (rule: object): boolean => new Permissions([{ allow: [acme], ...rule }], updater).isEmpty;
    expect([{ key: KEY }, { remote: 'office' }, { key: KEY, remote: 'office' }].map(isEmpty)).toEqual([
      false,
      false,
      false,
    ]);
    const others = [{}, { key: nameFromText('other.key.') }, { remote: 'home' }, { key: KEY, remote: 'home' }];
    expect(others.map(isEmpty)).toEqual([true, true, true, true]);
    expect(new Permissions([{ key: KEY, allow: [acme] }], { ...updater, key: undefined }).isEmpty).toBe(true);
  });

  it.each([1, 2, 3, 4, 5])('that allows one name and type holds against 2,000 random updates: seed %d', (seed) => {
    const random = randomFrom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const image = zoneImage([...ZONE, '_acme-challenge.www 60 TXT "old"']);
    const view = new ImageView(image);
    const may = permissions(acme);
    let done = 0;
    for (let i = 0; i < 2000; i++) {
      const changes = Array.from({ length: 1 + Math.floor(random() * 3) }, () => randomChange(random, pick));
      const message = readUpdate(updateMessage({ changes }));
      if (typeof message === 'string') continue;
      const { changes: made } = judgeUpdate(view, message, may);
      if (made === undefined) continue;
      done++;
      if (made.soa !== undefined) throw new Error(`${changes.join(', ')} changed the SOA record`);
      for (const run of [made.removed, made.added])
        for (const record = new RunCursor(run); !record.isAtEnd; record.next())
          if (record.type !== Type.TXT || !sameName(record.octets, record.at, acme.name, 0))
            throw new Error(`${changes.join(', ')} changed ${record.describe()}`);
    }
    expect(done).toBeGreaterThan(20);
  });
});

/** A change of any form; more than half are at the one name that is allowed, or near it. */
function randomChange(random: () => number, pick: <T>(list: readonly T[]) => T): string {
  const challenge = ['_acme-challenge.www', '_ACME-Challenge.www'];
  const owner =
    random() < 0.6
      ? pick(challenge)
      : pick([
          'www',
          '@',
          'a._acme-challenge.www',
          '_acme-challenge',
          'new',
          'example.net.',
          '*.wild',
          'redirect',
          '.',
        ]);
  const record = pick([
    'TXT "x"',
    'TXT "old"',
    'TXT "a" "b"',
    'A 192.0.2.1',
    'CNAME www.example.',
    'NS ns1.example.',
    'DNAME example.net.',
    `SOA ns1.example. h.example. 12 1 2 3 4`,
  ]);
  const type = record.split(' ')[0];
  return pick([
    `${owner} 60 IN ${record}`,
    `${owner} 60 IN ${record}`,
    `${owner} 0 NONE ${record}`,
    `${owner} 0 ANY ${type}`,
    `${owner} 0 ANY ANY`,
    `${owner} 0 ANY RRSIG`,
    `${owner} ${pick([0, 1])} ${pick(['ANY', 'NONE', 'CH'])} ${record}`,
  ]);
}

describe('an UPDATE message', () => {
  const good = updateMessage({ prerequisites: ['www 0 IN A 192.0.2.1'], changes: ['www 60 IN MX 10 www.example.'] });

  it('may have compressed names, in RDATA too', () => {
    // MX with its owner and exchange as pointers to the zone section.
    const message = Uint8Array.from([
      ...updateMessage({}),
      ...[0xc0, 0x0c, 0, 15, 0, 1, 0, 0, 0, 60, 0, 4, 0, 10, 0xc0, 0x0c],
    ]);
    message[9] = 1;
    expect(readUpdate(message)).toMatchObject({
      changes: [
        {
          owner: nameFromText('example.'),
          type: Type.MX,
          rdata: Uint8Array.from([0, 10, ...nameFromText('example.')]),
        },
      ],
    });
  });

  it.each([
    ['no zone', { counts: [0, 0, 0, 0] }],
    ['two zones', { counts: [2, 0, 0, 0] }],
    ['fewer records than it says', { counts: [1, 2, 1, 0] }],
  ])('with %s is malformed', (_, { counts }) => {
    const message = Uint8Array.from(good);
    for (const [i, count] of counts.entries()) message[5 + 2 * i] = count;
    expect(readUpdate(message)).toEqual(expect.any(String));
  });

  it('with another type than SOA in its zone section is malformed', () => {
    expect(readUpdate(updateMessage({ zoneType: 1 }))).toMatch(/type A, expected SOA/);
  });

  it('with RDATA that its type cannot have is malformed, and says where', () => {
    const message = readUpdate(updateMessage({ changes: ['www 60 IN A \\# 3 c00002'] }));
    expect(message).toMatch(/^the record at octet 25: malformed RDATA of type A/);
    expect(readUpdate(updateMessage({ changes: ['www 60 IN A'] }))).toEqual(expect.any(String));
  });

  it('is read or refused, wherever it is cut or changed', () => {
    for (let end = 0; end < good.length; end++) expect(readUpdate(good.subarray(0, end))).toEqual(expect.any(String));
    for (let at = 0; at < good.length; at++)
      for (const octet of [0, 1, 63, 64, 192, 255]) {
        const message = Uint8Array.from(good);
        message[at] = octet;
        const read = readUpdate(message);
        if (typeof read !== 'string' && sameName(read.zone, 0, nameFromText('example.'), 0))
          judgeUpdate(new ImageView(zoneImage(ZONE)), read, EVERYTHING);
      }
  });
});

describe('an update of many records', () => {
  /** Counts how often the zone is asked. */
  function counting(view: ZoneView) {
    const asked = { rrsets: 0, walks: 0 };
    const counted: ZoneView = {
      apex: view.apex,
      exists: (owner) => view.exists(owner),
      types: (owner) => view.types(owner),
      spelling: (owner) => view.spelling(owner),
      rrset(owner, type) {
        asked.rrsets++;
        return view.rrset(owner, type);
      },
      namesBelow(owner) {
        asked.walks++;
        return view.namesBelow(owner);
      },
    };
    return { asked, view: counted };
  }

  const many = Array.from({ length: 200 }, (_, i) => i);

  it('below many labels looks once at each name above them', () => {
    const deep = Array(100).fill('a').join('.');
    const { asked, view } = counting(new ImageView(zoneImage(ZONE)));
    const changes = many.map((i) => `n${i}.${deep} 60 IN A 127.0.0.1`);
    expect(judgeUpdate(view, read({ changes }), EVERYTHING).refusal).toBeUndefined();
    expect(asked.rrsets).toBeLessThan(5 * many.length);
  });

  it('with many DNAME records walks once over the zone, and finds the one that is above a name', () => {
    const dnames = many.map((i) => `d${i} 60 IN DNAME elsewhere.test.`);
    const free = counting(new ImageView(zoneImage(ZONE)));
    expect(judgeUpdate(free.view, read({ changes: dnames }), EVERYTHING).refusal).toBeUndefined();
    expect(free.asked.walks).toBe(1);
    const { refusal } = judgeUpdate(
      new ImageView(zoneImage([...ZONE, 'x.y.D77 60 A 127.0.0.1'])),
      read({ changes: dnames }),
      EVERYTHING,
    );
    expect(refusal?.reason).toMatch(/^a DNAME at d77\.example\. would be above x\.y\.d77\.example\./i);
  });
});

describe('a zone of the root', () => {
  it('is changed like others', () => {
    const text = '. 60 SOA ns. h. 1 2 3 4 5\n. 60 NS ns.\nns. 60 A 192.0.2.1\n';
    const { image } = load({ file: 'root', bytes: Buffer.from(text), origin: Uint8Array.of(0) }, OPTIONS);
    const all = permissions({ subdomain: Uint8Array.of(0), types: ALL_TYPES });
    const message = read({ zone: '.', changes: ['a.b. 60 IN A 192.0.2.1', '. 0 ANY NS', 'ns. 60 IN AAAA ::1'] });
    const verdict = judgeUpdate(new ImageView(image!), message, all);
    expect(linesOf(changed(image!, verdict))).toEqual([
      '. 60 in ns ns.',
      '. 60 in soa ns. h. 2 2 3 4 5',
      'a.b. 60 in a 192.0.2.1',
      'ns. 60 in a 192.0.2.1',
      'ns. 60 in aaaa ::1',
    ]);
  });
});
