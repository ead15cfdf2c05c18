import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { configuredKeys, keyWarnings } from '../../../src/server/plane/tsig-secrets.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-tsig-'));
afterAll(() => rmSync(folder, { recursive: true }));
const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';

let files = 0;
function fileOf(text: string, mode = 0o600): string {
  const file = join(folder, `secret-${++files}`);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const configOf = (text: string) => parseConfig(`tsig: ${text}\n`, 'adotd.yaml');
const keysOf = (text: string) => configuredKeys(configOf(text));

describe('the keys of TSIG', () => {
  it('have their names in lower case, the whole MAC, and hmac-sha256 when nothing else is said', () => {
    const [key] = keysOf(`[{ name: Second.Example, secret: ${SECRET} }]`);
    expect(Buffer.from(key!.name).toString('latin1')).toBe('\x06second\x07example\x00');
    expect([key!.algorithm.name, key!.macOctets, key!.secret.length]).toEqual(['hmac-sha256', 32, 32]);
  });

  it.each([
    ['alone', `${SECRET}\n`],
    ['behind a comment', `# of second.example\n${SECRET}\n\n`],
    ['in a key file of BIND', `key "second.example." {\n\talgorithm hmac-sha256;\n\tsecret "${SECRET}";\n};\n`],
  ])('have their secret in a file: %s', (_, text) => {
    const [key] = keysOf(`[{ name: a, secret_file: ${fileOf(text)} }]`);
    expect(Buffer.from(key!.secret).toString('base64')).toBe(SECRET);
  });

  it.each(['', 'not base64!\n', `${SECRET}\n${SECRET}\n`, 'YWJjZA\n'])('are refused with a file like %j', (text) => {
    const file = fileOf(text);
    expect(() => keysOf(`[{ name: a, secret_file: ${file} }]`)).toThrow(
      `${file}:1:1: expected a secret in base64, as adotd keys tsig NAME prints it`,
    );
  });

  it('are refused with a file that is not there', () => {
    expect(() => keysOf(`[{ name: a, secret_file: ${folder}/none }]`)).toThrow(/cannot read the TSIG secret .*none/);
  });

  it.each([
    ['[{ name: a }]', /expected either secret or secret_file/],
    [`[{ name: a, secret: ${SECRET}, secret_file: b }]`, /expected either secret or secret_file/],
    ['[{ name: a, secret: "abc" }]', /expected base64, as adotd keys tsig NAME prints it/],
    [`[{ name: a.b, secret: ${SECRET} }, { name: A.b., secret: ${SECRET} }]`, /expected each name once/],
    [`[{ name: a, algorithm: hmac-md5, secret: ${SECRET} }]`, /hmac-md5/],
    [`[{ name: a, secret: ${SECRET}, mac_bits: 120 }]`, /expected 128 to 256, half of the MAC of hmac-sha256/],
    [`[{ name: a, secret: ${SECRET}, mac_bits: 264 }]`, /expected 128 to 256/],
  ])('are refused as %s', (text, message) => {
    expect(() => configOf(text)).toThrow(message);
  });
});

describe('a warning', () => {
  const warningsOf = (text: string) => configOf(`[${text}]`).tsig.flatMap(keyWarnings);

  it('is given for nothing of a good key', () => {
    expect(warningsOf(`{ name: a, secret_file: ${fileOf(SECRET, 0o640)} }`)).toEqual([]);
  });

  it('is given for hmac-sha1, for a secret that can be guessed, and for one that everybody can read', () => {
    expect(warningsOf(`{ name: a, algorithm: hmac-sha1, secret: ${SECRET} }`)).toEqual([
      { key: 'algorithm', message: expect.stringMatching(/old peers only/) },
    ]);
    expect(warningsOf('{ name: a, secret: YWJj }')).toEqual([
      {
        key: 'secret',
        message: 'the secret of a has 3 octets, and can be guessed; make another with adotd keys tsig a',
      },
    ]);
    expect(warningsOf(`{ name: a, secret_file: ${fileOf(SECRET, 0o644)} }`)).toEqual([
      {
        key: 'secret_file',
        message: expect.stringMatching(/read by everybody on this machine \(mode 644\), expected 600/),
      },
    ]);
  });
});
