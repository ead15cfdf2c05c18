import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configSchema, defaultConfig } from '../../../src/config/schema.js';
import {
  filesReadAgain,
  handOverCertificate,
  unreadableAfterDrop,
} from '../../../src/server/process/files-after-drop.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('files that are read again', () => {
  const zones = join(folder, 'zones');
  mkdirSync(zones);
  writeFileSync(join(zones, 'example.zone'), '');
  const config = (change: object) => configSchema.parse(change);
  /** Without the first, which is the program itself. */
  const files = (change: object) => filesReadAgain(config(change)).slice(1);

  it('are the program, zones and certificates', () => {
    expect(unreadableAfterDrop(filesReadAgain(defaultConfig()).slice(0, 1))).toEqual([]);
    const tls = { certificates: [{ cert: 'c.pem', key: 'k.pem' }], ticket_key_file: 'tickets' };
    expect(files({ zones: { folder: zones, files: [{ file: 'other.zone' }] }, tls })).toEqual([
      zones,
      join(zones, 'example.zone'),
      'other.zone',
      'c.pem',
      'k.pem',
      'tickets',
    ]);
    expect(files({ tls: { enabled: false }, cookies: { secret_file: 'secret' } })).toEqual(['secret']);
  });

  it('are those of the certificate that the server has made, when none is configured', () => {
    expect(files({ tls: { certs_folder: 'own' } })).toEqual(['own/self-signed.pem', 'own/self-signed.key']);
    expect(files({ tls: { enabled: false, ticket_key_file: 'tickets' } })).toEqual([]);
  });

  it('name a folder of zones that is not there', () => {
    expect(files({ zones: { folder: join(folder, 'none') }, tls: { enabled: false } })).toEqual([join(folder, 'none')]);
  });

  it('are told when they cannot be read', () => {
    const gone = join(folder, 'gone');
    expect(unreadableAfterDrop([zones, gone, join(zones, 'example.zone')])).toEqual([gone]);
  });
});

describe('handing the certificate over', () => {
  const identity = { name: 'nobody', uid: 65_534, gid: 65_534, groups: [65_534] };

  it('is not done where certificates are configured, or TLS is not served', () => {
    const tls = { certs_folder: join(folder, 'none') };
    const configured = { ...tls, certificates: [{ cert: 'c.pem', key: 'k.pem' }] };
    expect(handOverCertificate(configSchema.parse({ tls: configured }), identity)).toBeUndefined();
    expect(handOverCertificate(configSchema.parse({ tls: { ...tls, enabled: false } }), identity)).toBeUndefined();
  });

  it('says why it cannot be done', () => {
    const tls = { certs_folder: join(folder, 'none') };
    expect(handOverCertificate(configSchema.parse({ tls }), identity)).toBe(
      `the certificate in ${folder}/none cannot be given to nobody: no such file or directory`,
    );
  });
});
