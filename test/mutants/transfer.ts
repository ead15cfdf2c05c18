/** Mistakes of a secondary: when it asks whom, when a version expires, and which transfers it believes. */
import type { Mutant } from './mutants.js';

const REFRESH = 'transfer/in/zone-refresh.ts';
const READER = 'transfer/in/transfer-reader.ts';
const CHECK = 'transfer/in/response-check.ts';

export const TRANSFER: readonly Mutant[] = [
  {
    name: 'a version never expires',
    file: REFRESH,
    find: 'if (this.#version === undefined || this.#isExpired || now < this.#version.expiresAt) return false;',
    replace: 'if (this.#version === undefined || this.#isExpired || now < Number.POSITIVE_INFINITY) return false;',
  },
  {
    name: 'a failed check counts as confirmation',
    file: REFRESH,
    find: 'if (!round.isIxfr || !MISTAKES_OF_IXFR.includes(fault)) return this.#ask(now);',
    replace:
      'if (this.#version !== undefined) this.#confirm(undefined, now);\n    if (!round.isIxfr || !MISTAKES_OF_IXFR.includes(fault)) return this.#ask(now);',
  },
  {
    name: 'a primary with an older serial confirms the version',
    file: REFRESH,
    find: 'if (serial === version.serial) this.#confirm(expire, now);',
    replace: 'this.#confirm(expire, now);',
  },
  {
    name: 'EXPIRE of a relay shortens the time that is left',
    file: REFRESH,
    find: 'const expiresAt = Math.max(version.expiresAt, now + (expireOption ?? version.expire));',
    replace: 'const expiresAt = now + (expireOption ?? version.expire);',
  },
  {
    name: 'EXPIRE of a relay does not count for a transfer',
    file: REFRESH,
    find: 'const expiresAt = now + (expireOption ?? expire);',
    replace: 'const expiresAt = now + Math.max(expireOption ?? 0, expire);',
  },
  {
    name: 'a restart begins the time to expiry anew',
    file: REFRESH,
    find: 'const passed = Math.max(0, wall - facts.checkedAt);',
    replace: 'const passed = 0;',
  },
  {
    name: 'a clock that was set back gives a version more time',
    file: REFRESH,
    find: 'const passed = Math.max(0, wall - facts.checkedAt);',
    replace: 'const passed = wall - facts.checkedAt;',
  },
  {
    name: 'only the first primary that answers is asked',
    file: REFRESH,
    find: '    if (primary === undefined || (round.isFull && round.isConfirmed)) return this.#end(round, now);',
    replace: '    if (primary === undefined || round.isConfirmed) return this.#end(round, now);',
  },
  {
    name: 'NOTIFY during a transfer is forgotten',
    file: REFRESH,
    find: 'if (this.#round !== undefined) this.#again = true;\n    else this.#nextAt = Math.min(this.#nextAt, Math.max(now, this.#endedAt + ROUND_GAP));',
    replace: 'this.#nextAt = Math.min(this.#nextAt, Math.max(now, this.#endedAt + ROUND_GAP));',
  },
  {
    name: 'REFRESH is waited for after a failure too',
    file: REFRESH,
    find: 'const asked = isConfirmed ? refresh : Math.min(retry, refresh);',
    replace: 'const asked = isConfirmed ? refresh : refresh * 2;',
  },
  {
    name: 'differences are asked of any primary',
    file: REFRESH,
    find: 'round.isIxfr = version !== undefined && version.origin === round.primary && !round.isFull;',
    replace: 'round.isIxfr = version !== undefined && !round.isFull;',
  },
  {
    name: 'an expired version stays expired when a primary has it',
    file: REFRESH,
    find: '    this.#isExpired = false;\n    this.#running().isConfirmed = true;',
    replace: '    this.#running().isConfirmed = true;',
  },
  {
    name: 'a transfer may end with another serial',
    file: READER,
    find: 'if (serial !== this.#times!.serial)\n      fail(\n        TransferFault.PROTOCOL,',
    replace: 'if (serial === 0)\n      fail(\n        TransferFault.PROTOCOL,',
  },
  {
    name: 'records of other zones are taken',
    file: READER,
    find: 'if (suffixAt(owner, 0, this.#apex, this.#apexLabels) < 0)',
    replace: 'if (suffixAt(owner, 0, this.#apex, this.#apexLabels) < -1)',
  },
  {
    name: 'records behind the end are taken',
    file: READER,
    find: 'case Phase.END:\n',
    replace: 'case Phase.END:\n        return;\n',
  },
  {
    name: 'the last message need not be signed',
    file: READER,
    find: 'if (verifier?.isSigned === false)',
    replace: 'if (verifier?.isSigned === undefined && verifier !== undefined)',
  },
  {
    name: 'uncompressed records have no limit',
    file: READER,
    find: 'if (this.#expanded > this.#options.maxOctets) this.#tooLarge();',
    replace: '',
  },
  {
    name: 'differences need not follow each other',
    file: READER,
    find: 'if (serial !== this.#serial)\n      fail(\n        TransferFault.MISFIT,',
    replace: 'if (serial === 0)\n      fail(\n        TransferFault.MISFIT,',
  },
  {
    name: 'the answer to another question is taken',
    file: CHECK,
    find: '  checkQuestion(message, question);\n}',
    replace: '}',
  },
  {
    name: 'an unsigned answer to a signed question is taken',
    file: CHECK,
    find: 'if (verifier !== undefined) checkSignature(message, verifier, now, rcode);',
    replace: '',
  },
];
