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

  it('is what the system shows', () => {
    const system = libc();
    if (typeof system === 'string') return expect(nameThread('adotd-test')).toBeUndefined();
    const comm = `/proc/self/task/${system.gettid()}/comm`;
    const before = readFileSync(comm, 'latin1').trim();
    nameThread('adotd-test-0123456789');
    const named = readFileSync(comm, 'latin1');
    nameThread(before);
    expect(named).toBe('adotd-test-0123\n');
  });
});
