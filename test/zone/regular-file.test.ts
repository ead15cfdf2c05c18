import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rereadConfig } from '../../src/config/load.js';
import { defaultConfig } from '../../src/config/schema.js';
import { readFaults } from '../../src/fixture/faults/fault-file.js';
import { answerSettings } from '../../src/server/plane/configured-settings.js';
import { readKey } from '../../src/tls/certificates.js';
import { readTicketKeys } from '../../src/tls/ticket-keys.js';
import { readZoneFile } from '../../src/zone/files.js';
import { readFileOrPipe, readSmallFile } from '../../src/zone/regular-file.js';

let folder: string;
let pipe: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  pipe = join(folder, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cookieSecrets(file: string): unknown {
  const config = defaultConfig();
  config.cookies.secret_file = file;
  return answerSettings(config);
}

describe('a small file', () => {
  it('is read whole, also when its size says nothing', () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x'.repeat(70_000));
    expect(readSmallFile(file, 'keys')).toEqual(Buffer.alloc(70_000, 'x'));
    expect(readSmallFile('/proc/self/limits', 'limits').toString()).toContain('Max open files');
  });

  it('is refused beyond its limit', () => {
    const file = join(folder, 'large');
    writeFileSync(file, 'x'.repeat(11));
    expect(() => readSmallFile(file, 'keys', 10)).toThrow(
      expect.objectContaining({
        code: 'ADOTD_FILE',
        message: `cannot read keys ${file}: it has 11 octets, expected at most 10`,
      }),
    );
    expect(() => readSmallFile('/proc/self/limits', 'limits', 10)).toThrow('it has more than 10 octets');
  });

  const readers: [string, (file: string) => unknown][] = [
    ['a private key', readKey],
    ['ticket keys', readTicketKeys],
    ['cookie secrets', cookieSecrets],
    ['faults', readFaults],
    ['a zone', readZoneFile],
    ['a configuration that is read again', rereadConfig],
  ];
  it.each(readers)('that %s should be in is no pipe that nobody writes to, and no device', (_, read) => {
    const refused = expect.objectContaining({
      code: 'ADOTD_FILE',
      message: expect.stringMatching(/^cannot read .*: it is (a folder, )?no regular file$/),
    });
    for (const file of [pipe, '/dev/zero', '/dev/null', folder]) expect(() => read(file)).toThrow(refused);
  });

  it('may be a pipe where that is said, of the same length at most', async () => {
    const written = async (octets: number, maxOctets?: number) => {
      const writer = spawn('sh', ['-c', `head -c ${octets} /dev/zero > "$0"`, pipe]);
      try {
        return readFileOrPipe(pipe, 'keys', maxOctets);
      } finally {
        await once(writer, 'close');
      }
    };
    expect(await written(100_000)).toEqual({ octets: Buffer.alloc(100_000), pipe: true });
    await expect(written(100_000, 10)).rejects.toThrow(/^cannot read keys .*: it has more than 10 octets$/);
    expect(() => readFileOrPipe('/dev/zero', 'keys')).toThrow('it is no regular file');
  });
});
