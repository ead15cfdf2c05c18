import { describe, expect, it } from 'vitest';
import { isKnownHost } from '../../../src/server/page/page-host.js';

const NAMES = new Set(['ns1.example.net', 'dns.example.org']);

describe('the host of a request', () => {
  it.each([
    undefined,
    '127.0.0.1:9153',
    '192.0.2.53',
    '[::1]:9153',
    '[2001:db8::53]',
    'localhost:9153',
    'LOCALHOST',
    'adotd.localhost:9153',
    'ns1.example.net:9153',
    'NS1.Example.NET.',
    'dns.example.org',
  ])('may be %j', (host) => expect(isKnownHost(host, NAMES)).toBe(true));

  it.each([
    '',
    'evil.example',
    'evil.example:9153',
    'ns1.example.net.evil.example',
    'localhost.evil.example',
    'xlocalhost',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '2130706433',
    '0x7f.1',
    '127.1',
    '[::1]evil.example',
    '[evil.example]',
    'ns1.example.net:port',
    'ns1.example.net, evil.example',
    ' localhost',
  ])('may not be %j', (host) => expect(isKnownHost(host, NAMES)).toBe(false));
});
