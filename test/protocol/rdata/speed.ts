/**
 * How long a million RDATA of each ordinary type take to scan, tokens included, and what that allocates; exits with 1
 * when A takes longer than its budget. Run it with `node scripts/run-ts.mjs test/protocol/rdata/speed.ts [TYPE...]`.
 */
import { scanRdata } from '../../../src/protocol/rdata/scan.js';
import { Tokens } from '../../../src/protocol/tokens.js';
import { ORIGIN, typeNumber } from './support.js';

const RECORDS = 1_000_000;
/** Milliseconds for a million A records: a tenth of the time that loading them may take. A guess. */
const BUDGET = 150;

const SIGNATURE = Buffer.alloc(64, 0x5a).toString('base64');
const samples: readonly (readonly [type: string, text: string])[] = [
  ['A', '192.0.2.123'],
  ['AAAA', '2001:db8::12:3456'],
  ['NS', 'ns1.example.com.'],
  ['MX', '10 mail'],
  ['TXT', '"v=spf1 -all"'],
  ['SOA', 'ns host 2024010100 1h 15m 1w 1d'],
  ['SRV', '0 5 5060 sip'],
  ['DS', `12892 13 2 ${'5A'.repeat(32)}`],
  ['DNSKEY', `257 3 13 ${SIGNATURE}`],
  ['RRSIG', `A 13 2 3600 20400101000000 20240101000000 2143 example. ${SIGNATURE}`],
  ['NSEC', 'next A NS RRSIG NSEC'],
  ['NSEC3', '1 1 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG'],
  ['SVCB', '1 . alpn="h2" port=443'],
];

const asked = process.argv.slice(2);
const out = new Uint8Array(65_535 + 255);
for (const [mnemonic, text] of samples) {
  if (asked.length > 0 && !asked.includes(mnemonic)) continue;
  const type = typeNumber(mnemonic);
  const bytes = Buffer.from(`${text}\n`.repeat(RECORDS));
  let milliseconds = 0;
  let allocated = 0;
  for (let round = 0; round < 3; round++) {
    const tokens = new Tokens(bytes, 'speed.zone');
    const heap = process.memoryUsage().heapUsed;
    const start = performance.now();
    while (tokens.nextEntry()) scanRdata(type, tokens, ORIGIN, out, 0);
    milliseconds = performance.now() - start;
    allocated = process.memoryUsage().heapUsed - heap;
  }
  console.log(
    `${mnemonic.padEnd(8)} ${milliseconds.toFixed(0).padStart(6)} ms  ${(allocated / 1e6).toFixed(1)} MB allocated`,
  );
  if (mnemonic === 'A' && milliseconds > BUDGET) process.exitCode = 1;
}
