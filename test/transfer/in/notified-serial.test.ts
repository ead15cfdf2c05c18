import { expect, it } from 'vitest';
import { notifiedSerial } from '../../../src/transfer/in/notified-serial.js';
import { imageOf } from '../../image/changes/versions.js';
import { APEX, messageOf, zoneRecords } from './transfer-messages.js';

const [soa] = zoneRecords(imageOf('@ 60 SOA ns h 7 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n'));
const FLAGS = 0x2400;

it('the serial of NOTIFY is that of the SOA record in its answer section, a hint that may be missing (RFC 1996 §3.7)', () => {
  const request = messageOf([soa!], { question: 6, flags: FLAGS });
  expect(notifiedSerial(request, APEX)).toBe(7);
  expect(notifiedSerial(messageOf([], { question: 6, flags: FLAGS }), APEX)).toBeUndefined();
  expect(notifiedSerial(request, Uint8Array.of(0))).toBeUndefined();
  for (let end = 12; end < request.length; end++) expect(notifiedSerial(request.slice(0, end), APEX)).toBeUndefined();
});
