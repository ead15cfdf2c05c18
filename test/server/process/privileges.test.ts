import { describe, expect, it } from 'vitest';
import {
  type Accounts,
  checkPrivileges,
  dropPrivileges,
  type Identity,
  rootWarning,
} from '../../../src/server/process/privileges.js';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# a remark:x:1:1
daemon:x:1:1::/:/bin/false
broken:x::
adotd:x:987:986:DNS:/var/lib/adotd:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUP = `root:x:0:
ssl-cert:x:110:postgres,adotd
adotd:x:986:
dns:x:53:adotd
other:x:54:adotd2,nobody2
nogroup:x:65534:
`;

const NONE = '0000000000000000';
const ROOT = '000001ffffffffff';

/** A status as Linux writes it. */
function status(
  change: Partial<Record<'Uid' | 'Gid' | 'Groups' | 'CapPrm' | 'CapEff' | 'CapAmb', string>> = {},
): string {
  const fields = {
    Uid: '987\t987\t987\t987',
    Gid: '986\t986\t986\t986',
    Groups: '53 110 986 ',
    CapPrm: NONE,
    CapEff: NONE,
    CapAmb: NONE,
    ...change,
  };
  const { CapPrm, CapEff, CapAmb } = fields;
  return `Name:\tnode\nPid:\t4711\nUid:\t${fields.Uid}\nGid:\t${fields.Gid}\nGroups:\t${fields.Groups}\nCapInh:\t${NONE}\nCapPrm:\t${CapPrm}\nCapEff:\t${CapEff}\nCapBnd:\t${ROOT}\nCapAmb:\t${CapAmb}\n`;
}

/** A system on which this process has `uid`, and changes as it should unless told otherwise. */
function system(uid: number, change: Partial<Accounts> = {}): Accounts & { calls: string[] } {
  const calls: string[] = [];
  const now = { uid, gid: uid };
  const files: Record<string, string> = { '/etc/passwd': PASSWD, '/etc/group': GROUP };
  return {
    calls,
    uid: () => now.uid,
    gid: () => now.gid,
    setGroups: (groups) => void calls.push(`groups ${groups.join(' ')}`),
    setGid(gid) {
      calls.push(`gid ${gid}`);
      now.gid = gid;
    },
    setUid(next) {
      calls.push(`uid ${next}`);
      if (now.uid !== 0 && next !== now.uid) throw new Error('EPERM: operation not permitted, setuid');
      now.uid = next;
    },
    read: (file) => files[file] ?? '',
    threads: () => [status(), status()],
    ...change,
  };
}

const wrong = (message: RegExp) =>
  expect.objectContaining({ code: 'ADOTD_CONFIG', message: expect.stringMatching(message) });

const ADOTD: Identity = { name: 'adotd', uid: 987, gid: 986, groups: [986, 110, 53] };

describe('who the server becomes', () => {
  it('is nobody else when no user is named', () => {
    expect(checkPrivileges({}, {}, system(0))).toBeUndefined();
    expect(checkPrivileges({}, { UV_USE_IO_URING: '1' }, system(1000))).toBeUndefined();
  });

  it('is the user with its primary group, and the groups that it is a member of', () => {
    expect(checkPrivileges({ user: 'adotd' }, {}, system(0))).toEqual(ADOTD);
  });

  it.each([987, '987'])('is found by number too: %j', (user) => {
    expect(checkPrivileges({ user }, {}, system(0))).toEqual({ ...ADOTD, name: '987' });
  });

  it.each(['ssl-cert', 110])('has the group %j in place of the primary one', (group) => {
    const identity = { name: 'adotd', uid: 987, gid: 110, groups: [110, 53] };
    expect(checkPrivileges({ user: 'adotd', group }, {}, system(0))).toEqual(identity);
  });

  it('may be numbers that no file knows', () => {
    const identity = { name: '4000', uid: 4000, gid: 4001, groups: [4001] };
    expect(checkPrivileges({ user: 4000, group: 4001 }, {}, system(0))).toEqual(identity);
    const empty = system(0, { read: () => '' });
    expect(checkPrivileges({ user: 4000, group: 4001 }, {}, empty)).toEqual(identity);
  });

  it('is nobody else when this process is that user already', () => {
    expect(checkPrivileges({ user: 'nobody' }, {}, system(65_534))).toBeUndefined();
  });

  it.each<[string, Parameters<typeof checkPrivileges>, RegExp]>([
    ['a group alone', [{ group: 'dns' }, {}, system(0)], /^`group: dns` without `user`; name both/],
    ['an unknown user', [{ user: 'adto' }, {}, system(0)], /^`user: adto` is not in \/etc\/passwd; create it/],
    ['a line that is broken', [{ user: 'broken' }, {}, system(0)], /^`user: broken` is not in \/etc\/passwd/],
    ['an unknown group', [{ user: 'adotd', group: 'x' }, {}, system(0)], /^`group: x` is not in \/etc\/group; create/],
    ['an unknown number alone', [{ user: 4000 }, {}, system(0)], /would tell its group; name `group` too$/],
    ['root', [{ user: 'root' }, {}, system(0)], /^`user: root` keeps all privileges; name another/],
    ['root by number', [{ user: 0, group: 53 }, {}, system(0)], /^`user: 0` keeps all privileges/],
    ['a start as another user', [{ user: 'adotd' }, {}, system(1000)], /^only root can .* this is user 1000; start as/],
    ['its user in another group', [{ user: 'adotd' }, {}, system(987)], /^only root can become `user: adotd`/],
    ['a system without users', [{ user: 'a' }, {}, system(0, { uid: () => undefined })], /^this system has no users/],
  ])('is refused for %s', (_what, args, message) => {
    expect(() => checkPrivileges(...args)).toThrow(wrong(message));
  });

  it.each(['1', '01', ' 1', '+1', '2x', '-1'])('is refused with UV_USE_IO_URING=%s', (UV_USE_IO_URING) => {
    expect(() => checkPrivileges({ user: 'adotd' }, { UV_USE_IO_URING }, system(0))).toThrow(
      wrong(/^`user: adotd` does not work with UV_USE_IO_URING=.*; take it out of the environment$/),
    );
  });

  it.each(['0', '', 'yes', '00'])('is not refused with UV_USE_IO_URING=%s, which means off', (UV_USE_IO_URING) => {
    expect(checkPrivileges({ user: 'adotd' }, { UV_USE_IO_URING }, system(0))).toEqual(ADOTD);
  });
});

describe('giving up privileges', () => {
  it('changes groups, group and user, in this order, and tries whether it can go back', () => {
    const accounts = system(0);
    dropPrivileges(ADOTD, accounts);
    expect(accounts.calls).toEqual(['groups 986 110 53', 'gid 986', 'uid 987', 'uid 0']);
  });

  it.each<[string, Partial<Accounts>, RegExp]>([
    [
      'the system refuses',
      {
        setGroups() {
          throw new Error('EPERM: operation not permitted, setgroups');
        },
      },
      /^cannot become `user: adotd` \(987:986\): operation not permitted$/,
    ],
    ['nothing happens', { setUid() {} }, /^became `user: adotd` \(987:986\), but this is 0:986; adotd does not go on$/],
    ['the group stays', { setGid() {} }, /but this is 987:0;/],
    ['there are no threads to see', { threads: () => [] }, /but the threads cannot be seen \(\/proc is not mounted\)/],
    [
      'one thread kept its user',
      { threads: () => [status(), status({ Uid: '0\t987\t987\t987' })] },
      /but thread 4711 has Uid 0 987 987 987, expected 987 987 987 987; adotd does not go on$/,
    ],
    ['one thread has a saved user', { threads: () => [status({ Uid: '987\t987\t0\t987' })] }, /has Uid 987 987 0 987,/],
    ['one thread kept its group', { threads: () => [status({ Gid: '986\t986\t986\t0' })] }, /has Gid 986 986 986 0,/],
    ['one thread kept a group', { threads: () => [status({ Groups: '0 53 110 986 ' })] }, /has Groups 0 53 110 986,/],
    ['one thread lacks a group', { threads: () => [status({ Groups: '' })] }, /has Groups , expected 53 110 986;/],
    ['capabilities are permitted', { threads: () => [status({ CapPrm: ROOT })] }, /has CapPrm 000001ffffffffff,/],
    ['capabilities are in effect', { threads: () => [status({ CapEff: '0000000000000400' })] }, /has CapEff .*400,/],
    ['capabilities would be given on', { threads: () => [status({ CapAmb: ROOT })] }, /has CapAmb 000001f/],
    ['a thread does not tell', { threads: () => ['Pid:\t12\n'] }, /but thread 12 has Uid unknown, expected 987/],
  ])('fails when %s', (_what, change, message) => {
    expect(() => dropPrivileges(ADOTD, system(0, change))).toThrow(wrong(message));
  });

  it('fails when root can be had again', () => {
    let uid = 0;
    const accounts = system(0, {
      uid: () => uid,
      setUid(next) {
        if (next !== 0) uid = next;
      },
    });
    expect(() => dropPrivileges(ADOTD, accounts)).toThrow(wrong(/but could go back to root; adotd does not go on$/));
  });

  it('does without threads where they have no privileges of their own', () => {
    expect(() => dropPrivileges(ADOTD, system(0, { threads: () => undefined }))).not.toThrow();
  });
});

describe('the warning of root', () => {
  it('is for root without a user to become', () => {
    expect(rootWarning({}, system(0))).toMatch(/^running as root: set `user`/);
    expect(rootWarning({ user: 'adotd' }, system(0))).toBeUndefined();
    expect(rootWarning({}, system(1000))).toBeUndefined();
    expect(rootWarning({}, system(0, { uid: () => undefined }))).toBeUndefined();
  });
});
