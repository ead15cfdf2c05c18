/**
 * Whatever RDATA our zone reader takes, BIND takes too: its resolvers answer SERVFAIL where they find RDATA malformed. A zone
 * with generated records of every type, in the form of RFC 3597, goes through named-checkzone, which reads that form as its
 * resolver reads a message.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { genericText } from '../../src/protocol/rdata/print.js';
import { ROWS } from '../../src/protocol/rdata/rows.js';
import { isMetaType } from '../../src/protocol/rdata/table.js';
import { arbitraryRdata } from '../protocol/rdata/arbitrary.js';
import { missingTools, toolPath } from '../support/peers/tools.js';
import { SEED } from '../support/seed.js';

const RECORDS = 200;
const missing = missingTools(['named-checkzone']);

/** What BIND says of records that it would not refuse in a message. */
const OF_ZONE_FILES = [
  /obsolete/, // MD, MF
  /old style DNSSEC/, // SIG, NXT
  /signature has expired/,
];
/** Types of which a zone has one, or of which it has its own. */
const SINGLE = ['SOA', 'NS', 'CNAME', 'DNAME'];
/** RFC 4025 §2.4 lets algorithm 0 have no key. */
const KEYLESS = /^IPSECKEY \\# \d+ ..(00|01|02|03)00/;

describe.skipIf(missing)(`generated RDATA${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test('is taken by BIND', () => {
    const lines = ['$ORIGIN example.', '$TTL 300', '@ SOA ns host 1 2 3 4 5', '@ NS ns', 'ns A 192.0.2.1'];
    const records = new Map<number, string>();
    for (const row of ROWS) {
      if (isMetaType(row.type) || SINGLE.includes(row.mnemonic)) continue;
      for (const rdata of fc.sample(arbitraryRdata(row), { seed: SEED, numRuns: RECORDS })) {
        lines.push(`n${lines.length} TYPE${row.type} ${genericText(rdata)}`);
        records.set(lines.length, `${row.mnemonic} ${genericText(rdata)}`);
      }
    }
    const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
    try {
      const file = join(folder, 'zone');
      writeFileSync(file, `${lines.join('\n')}\n`);
      const args = ['-i', 'none', '-k', 'ignore', '-n', 'ignore', 'example', file];
      const { stdout, stderr } = spawnSync(toolPath('named-checkzone'), args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
      const said = Array.from(`${stdout}${stderr}`.matchAll(/zone:(\d+): (.*)/g));
      const refused = said
        .filter(([, , reason = '']) => !OF_ZONE_FILES.some((one) => one.test(reason)))
        .map(([, line, reason]) => `${records.get(Number(line))}: ${reason}`)
        .filter((text) => !KEYLESS.test(text));
      expect(refused, `ADOTD_SEED=${SEED}`).toEqual([]);
      // BIND has read the whole file: it says of each MD record that the type is obsolete.
      expect(said.filter(([, , reason = '']) => reason.includes('obsolete'))).toHaveLength(2 * RECORDS);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
