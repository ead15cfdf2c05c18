import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { answerSettings, connectionLimits, sessionSettings } from '../../../src/server/plane/configured-settings.js';

const settings = (text: string) => answerSettings(parseConfig(text, 'adotd.yaml'));
const SECRET = '00112233445566778899aabbccddeeff';

describe('settings made from the configuration', () => {
  it('have a cookie secret of their own at every start', () => {
    const [one, other] = [settings(''), settings('')];
    expect(one.cookieSecrets).toHaveLength(1);
    expect(one.cookieSecrets[0]).toHaveLength(16);
    expect(one.cookieSecrets).not.toEqual(other.cookieSecrets);
    expect(one.cookiesRequired).toBe(false);
  });

  it('have no secrets when cookies are off, those given otherwise', () => {
    expect(settings('cookies: { mode: off }').cookieSecrets).toEqual([]);
    const given = settings(`cookies: { mode: required, secrets: [${SECRET}, ${SECRET.toUpperCase()}] }`);
    expect(given.cookieSecrets).toEqual([Buffer.from(SECRET, 'hex'), Buffer.from(SECRET, 'hex')]);
    expect(given.cookiesRequired).toBe(true);
  });

  it('read secrets from a file, and say where one is wrong without showing it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
    const file = join(folder, 'secrets');
    const config = `cookies: { secret_file: ${file} }`;
    writeFileSync(file, `${SECRET}\n\n${SECRET}\n`);
    expect(settings(config).cookieSecrets).toHaveLength(2);
    writeFileSync(file, `${SECRET}\nhunter2\n`);
    expect(() => settings(config)).toThrow(`${file}:2:1: expected a secret of 32 hexadecimal digits`);
    writeFileSync(file, '');
    expect(() => settings(config)).toThrow('the file is empty');
    rmSync(folder, { recursive: true });
    expect(() => settings(config)).toThrow('no such file or directory');
  });

  it('take NSID as text or as octets', () => {
    expect(settings('nsid: ns1').nsid).toEqual(Buffer.from('ns1'));
    expect(settings('nsid: "0x00FF"').nsid).toEqual(Buffer.of(0, 255));
    expect(settings('').nsid).toBeUndefined();
    expect(() => settings('nsid: "0x0"')).toThrow(/^adotd\.yaml:1:7: nsid: found "0x0", expected text, or an even/);
  });

  it('leave server information out unless it is given', () => {
    expect(settings('')).toMatchObject({
      version: undefined,
      hostname: undefined,
      minimalResponses: true,
      anyFull: false,
    });
    expect(settings('version: "1"\nhostname: a\nany: full\nminimal_responses: false')).toMatchObject({
      version: '1',
      hostname: 'a',
      minimalResponses: false,
      anyFull: true,
    });
  });

  it('turn seconds into milliseconds', () => {
    const config = parseConfig('sessions: { idle_timeout: 3, max: 7, max_per_client: 2 }', 'adotd.yaml');
    expect(sessionSettings(config)).toMatchObject({
      idleTime: 3000,
      idleTimeMin: 2000,
      messageTime: 5000,
      handshakeTime: 5000,
      writeBuffer: 262_144,
      drainTime: 2000,
    });
    expect(connectionLimits(config, 20_000)).toEqual({ connections: 7, connectionsPerClient: 2 });
  });

  it('allow no more connections than there are descriptors for, and a client a tenth of them or 1000', () => {
    const limits = (text: string, descriptors: number) =>
      connectionLimits(parseConfig(text, 'adotd.yaml'), descriptors);
    expect(limits('{}', 20_000)).toEqual({ connections: 10_000, connectionsPerClient: 1000 });
    expect(limits('sessions: { max: 50000 }', 1_000_000)).toEqual({ connections: 50_000, connectionsPerClient: 5000 });
    expect(limits('{}', 300)).toEqual({ connections: 236, connectionsPerClient: 1000 });
    expect(limits('{}', 20)).toEqual({ connections: 1, connectionsPerClient: 1000 });
    expect(limits('{}', Number.POSITIVE_INFINITY).connections).toBe(10_000);
  });
});
