import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { libc } from '../../src/transport/libc.js';
import { nameThread, workerName } from '../../src/transport/thread-name.js';

describe('the name of a thread', () => {
  it('says what it does, in 15 octets whatever its number', () => {
    const names = [workerName('udp', 0), workerName('stream', 12), workerName('stream', 255)];
    expect(names).toEqual(['adotd-udp-0', 'adotd-stream-12', 'adotd-strea-255']);
    for (let number = 0; number < 256; number++) expect(workerName('stream', number).length).toBeLessThanOrEqual(15);
  });

  it.runIf(process.platform === 'linux')('is what the system shows', () => {
    const comm = '/proc/thread-self/comm';
    const before = readFileSync(comm, 'latin1').trim();
    const named = (name: string, file?: string): string => {
      nameThread(name, file);
      return readFileSync(comm, 'latin1');
    };
    const names = [named('adotd-test-0123456789'), named('adotd-other', '/proc/none')];
    nameThread(before);
    // Without the file, the C library is needed.
    const other = typeof libc() === 'string' ? 'adotd-test-0123\n' : 'adotd-other\n';
    expect(names).toEqual(['adotd-test-0123\n', other]);
  });
});
