import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { NotifyTargets } from '../../../src/server/notify/notify-targets.js';

const lo = { netmask: '', mac: '', internal: true, cidr: null };
const INTERFACES = {
  lo: [
    { ...lo, address: '127.0.0.1', family: 'IPv4' as const },
    { ...lo, address: '::1', family: 'IPv6' as const, scopeid: 0 },
  ],
};

/** Which of some addresses count as those of this server, and what was logged. */
function own(listen: string[], notify: string[], found: typeof INTERFACES | string) {
  const said: string[] = [];
  const config = configSchema.parse({ listen, zones: { policies: [{ zones: ['a.test'], notify }] } });
  const log = { warn: (_: object, text: string) => void said.push(text) };
  const targets = new NotifyTargets(config, log, () => found);
  return { own: ['192.0.2.1', '127.0.0.1', '::1'].filter((address) => targets.isOwn(address, 53)), said };
}

describe('the addresses that are not told', () => {
  it.each([
    [['192.0.2.1'], ['192.0.2.1']],
    [['0.0.0.0'], ['127.0.0.1']],
    [
      ['0.0.0.0', '::'],
      ['127.0.0.1', '::1'],
    ],
  ])('are with listen %j those of this server: %j', (listen, expected) => {
    expect(own(listen, ['ns'], INTERFACES)).toEqual({ own: expected, said: [] });
  });

  it('are those of listen where the service manager forbids to read others, and the log says so', () => {
    const { own: found, said } = own(['::', '192.0.2.1'], ['ns'], 'system error 97');
    expect(found).toEqual(['192.0.2.1']);
    expect(said).toEqual([expect.stringMatching(/system error 97.*list them in `listen`/)]);
  });

  it('are not looked for where no policy wants the nameservers told', () => {
    expect(own(['0.0.0.0'], [], 'system error 97').said).toEqual([]);
  });
});
