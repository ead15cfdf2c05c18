import { expect, it } from 'vitest';
import { svcbRecord } from '../../src/tls/service-binding.js';

const none = { port: 853, ipv4: [], ipv6: [] };

// draft-johani-dnsop-svcb-oots-00 §2.
it.each([
  { shares: undefined, text: 'alpn="dot"' },
  { shares: { key: 12, dot: 20 }, text: 'alpn="dot" oots="dot:20"' },
  { shares: { key: 12, do53: 100, dot: 0 }, text: 'alpn="dot" oots="do53:100,dot:0"' },
  { shares: { key: 65_280, dot: 20 }, text: 'alpn="dot" key65280="\\003dot\\020"' },
])('SVCB records of nameservers have $text', ({ shares, text }) => {
  expect(svcbRecord('ns.example.', { ...none, shares }, 60)).toBe(`_dns.ns.example. 60 IN SVCB 1 ns.example. ${text}`);
});
