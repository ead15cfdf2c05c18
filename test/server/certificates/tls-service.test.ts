import { mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer } from '../../../src/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ZONE = '@ 60 SOA ns1 h 1 2 3 4 5\n@ 60 NS ns1\nns1 60 A 127.0.0.1';

async function certificateOf(port: number): Promise<PeerCertificate> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['dot'] });
  try {
    return await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('secureConnect', () => resolve(socket.getPeerCertificate()));
    });
  } finally {
    socket.destroy();
  }
}

describe('TLS of the server', () => {
  it('makes a certificate for its nameservers and addresses, and keeps the key when it makes another', async () => {
    const options = { zones: { 'a.test': ZONE }, config: { tls: { certs_folder: folder } } };
    const first = await startServer(options);
    const before = await certificateOf(first.tls);
    expect(before.subjectaltname).toContain('DNS:ns1.a.test');
    expect(before.subjectaltname).toContain('IP Address:127.0.0.1');
    expect(statSync(join(folder, 'self-signed.key')).mode & 0o777).toBe(0o600);
    unlinkSync(join(folder, 'self-signed.pem'));
    await first.reload();
    const after = await certificateOf(first.tls);
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(after.pubkey).toEqual(before.pubkey);
    await first.close();
  });

  it('goes on with the certificate it has when the files are spoiled', async () => {
    const server = await startServer({ zones: { 'a.test': ZONE }, config: { tls: { certs_folder: folder } } });
    const before = await certificateOf(server.tls);
    writeFileSync(join(folder, 'self-signed.key'), 'spoiled');
    await expect(server.reload()).rejects.toMatchObject({ message: expect.stringContaining('self-signed.key') });
    expect((await certificateOf(server.tls)).fingerprint256).toBe(before.fingerprint256);
    await server.close();
  });

  it('does not start with a certificate that cannot be read, and says which', async () => {
    const config = { tls: { certificates: [{ cert: join(folder, 'no.pem'), key: join(folder, 'no.key') }] } };
    await expect(startServer({ zones: { 'a.test': ZONE }, config })).rejects.toMatchObject({
      message: expect.stringContaining('no.pem'),
    });
  });
});
