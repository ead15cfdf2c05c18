import { expect, it } from 'vitest';
import { isSpecialUse } from '../../src/protocol/special-use.js';
import { nameFromText } from '../support/names.js';

it('knows the names that nobody can have delegated, and what is below them', () => {
  const special = [
    ...['test.', 'a.test.', 'deep.down.internal.', 'home.arpa.', 'example.', 'example.com.', 'www.example.org.'],
    ...['10.in-addr.arpa.', '1.16.172.in-addr.arpa.', '31.172.in-addr.arpa.', '168.192.in-addr.arpa.'],
    '1.d.f.ip6.arpa.',
  ];
  const others = [
    ...['.', 'com.', 'lan.', 'mytest.', 'test.nl.', 'example.nl.', 'an-example.com.', 'arpa.', 'in-addr.arpa.'],
    ...['192.in-addr.arpa.', '110.in-addr.arpa.', '15.172.in-addr.arpa.', '32.172.in-addr.arpa.', '8.e.f.ip6.arpa.'],
  ];
  expect([...special, ...others].filter((name) => isSpecialUse(nameFromText(name)))).toEqual(special);
});
