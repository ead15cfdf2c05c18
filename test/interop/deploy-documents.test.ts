/** Commands of docs/ that need no service manager, as they stand. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { answerSettings } from '../../src/server/plane/configured-settings.js';
import { readTicketKeys } from '../../src/tls/ticket-keys.js';
import { blockOf, type Document } from '../deploy/documents.js';
import { adotd } from '../support/cli.js';
import { missingHere } from './deploy-container.js';

const missing = missingHere(['openssl'], 'openssl', false);
const folder = mkdtempSync(join(tmpdir(), 'adotd-documents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the openssl commands of a block; returns their output. */
function openssl(document: Document, block: string): string {
  const script = blockOf(document, block)
    .split('\n')
    .filter((line) => line.startsWith('openssl '));
  return execFileSync('sh', ['-ec', script.join('\n')], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

describe.skipIf(missing !== '')(`the documents ${missing}`, () => {
  it('make secrets to share that adotd reads', () => {
    openssl('deployment.md', 'shared');
    expect(readTicketKeys(join(folder, 'ticket-key'))[0]).toHaveLength(48);
    const config = parseConfig('cookies: { secret_file: cookie-secret }\n', join(folder, 'adotd.yaml'));
    const { secret_file: file } = config.cookies;
    expect(
      answerSettings({ ...config, cookies: { ...config.cookies, secret_file: join(folder, file ?? '') } })
        .cookieSecrets,
    ).toHaveLength(1);
  });

  it('take the digest that the TLSA record of that key has', async () => {
    const [, digest = ''] = /= ([0-9a-f]{64})/.exec(openssl('certificates.md', 'rollover')) ?? [];
    const words = ['req', '-x509', '-key', 'new.key', '-days', '2', '-subj', '/CN=ns1.home.test', '-out', 'new.crt'];
    execFileSync('openssl', [...words, '-addext', 'subjectAltName=DNS:ns1.home.test'], {
      cwd: folder,
      stdio: 'ignore',
    });
    writeFileSync(join(folder, 'home.test.zone'), '@ 60 SOA ns1 host 1 2h 1h 2w 5m\n@ 60 NS ns1\nns1 60 A 127.0.0.1\n');
    const config = { zones: { folder }, tls: { certificates: [{ cert: 'new.crt', key: 'new.key' }] } };
    writeFileSync(join(folder, 'adotd.yaml'), stringify(config));
    const { stdout } = await adotd('keys', '--config', join(folder, 'adotd.yaml'));
    expect(stdout).toMatch(new RegExp(`TLSA 3 1 1 ${digest}`, 'i'));
  });
});
