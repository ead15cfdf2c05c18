import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../../src/config/schema.js';
import { MemberPolicies, PoliciesInForce } from '../../../src/server/catalogs/member-policies.js';

const STATE = {
  state: { folder: 'state' },
  remotes: [{ name: 'first', addresses: ['192.0.2.1'] }],
};
const configOf = (...policies: object[]): Config => configSchema.parse({ ...STATE, zones: { policies } });
const member = (zone: string, ...groups: string[]) => ({ zone, groups });
const zonesOf = ({ zones }: Config): string[][] => zones.policies.map((policy) => policy.zones);

const GROUPED = configOf(
  { zones: ['named.test'], serial: 'unixtime' },
  { groups: ['b', 'c'], notify: ['first'] },
  { groups: ['a'], zones: ['other.test'], require: 'tls' },
);

describe('a policy for groups', () => {
  it('names the members that have one of them; a policy of their name counts more, and of several groups the first', () => {
    const members = [
      member('named.test.', 'b'),
      member('x.test.', 'a', 'b'),
      member('y.test.', '0', 'c'),
      member('z.test.'),
    ];
    expect(zonesOf(new MemberPolicies(GROUPED, members).config)).toEqual([
      ['named.test'],
      ['y.test.'],
      ['other.test', 'x.test.'],
    ]);
  });

  it('leaves a configuration as it is where there is none, and where no member has a group', () => {
    const plain = configOf({ default: true });
    expect(new MemberPolicies(plain, [member('x.test.', 'a')]).config).toBe(plain);
    expect(new MemberPolicies(GROUPED, [member('x.test.', 'd')]).config).toBe(GROUPED);
  });
});

/** Threads that take a configuration one turn later; `put`: those that they have taken. */
function inForce() {
  const put: Config[] = [];
  const done: string[] = [];
  const policies = new PoliciesInForce(new MemberPolicies(GROUPED, []), {
    async configure(config) {
      await new Promise((resolve) => setImmediate(resolve));
      if (config.port === 1) throw new Error('no port');
      put.push(config);
      return true;
    },
    restrict: () => void done.push('restricted'),
    publish: async () => void done.push('published'),
    log: { error: (_, text) => void done.push(text) },
  });
  return { policies, put, done };
}

describe('policies in force', () => {
  it('follow members before they are served, and only where one has another policy', async () => {
    const { policies, put, done } = inForce();
    expect(await policies.follow([member('x.test.', 'a')])).toBe(true);
    expect(done).toEqual(['restricted', 'published']);
    expect(zonesOf(put[0]!)[2]).toEqual(['other.test', 'x.test.']);
    expect(await policies.follow([member('x.test.', 'a'), member('y.test.')])).toBe(false);
    expect(put).toHaveLength(1);
  });

  it('are those of the last configuration and the last members, whoever comes while the other is put in force', async () => {
    const { policies, put } = inForce();
    const others = configOf({ groups: ['a'], default: true });
    const [, isFollowed, isChanged] = await Promise.all([
      policies.follow([member('x.test.', 'b')]),
      policies.follow([member('y.test.', 'a')]),
      policies.configure(others),
      policies.follow([member('z.test.', 'a')]),
    ]);
    expect([isFollowed, isChanged]).toEqual([true, true]);
    expect(zonesOf(put.at(-1)!)).toEqual([['z.test.']]);
    expect(policies.config).toBe(put.at(-1));
  });

  it('stay as they were when a configuration cannot be put in force, and say so when members cannot be followed', async () => {
    const { policies, done } = inForce();
    const { config } = policies;
    await expect(policies.configure({ ...GROUPED, port: 1 })).rejects.toThrow('no port');
    expect(policies.config).toBe(config);
    const broken = new PoliciesInForce(new MemberPolicies({ ...GROUPED, port: 1 }, []), {
      configure: async () => Promise.reject(new Error('no port')),
      restrict: () => undefined,
      publish: async () => undefined,
      log: { error: (_, text) => void done.push(text) },
    });
    expect(await broken.follow([member('x.test.', 'a')])).toBe(true);
    expect(done).toEqual(['policies for groups of catalogs are not in force: no port']);
  });
});
