import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configPlaces, parseConfig, readConfig } from '../../src/config/load.js';
import { type Config, configSchema } from '../../src/config/schema.js';
import { silentLog } from '../../src/observe/log.js';
import { createServer, type Server } from '../../src/server/server.js';
import { zonesOfConfig } from '../../src/server/zones/zone-files.js';
import { askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage } from '../support/message.js';

const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const BASE = `listen: [127.0.0.1]\nport: 0\ntls_port: 0\nworkers: embedded\n`;
const ZONES = 'zones: { files: [{ name: a.test, file: a.zone }, { name: b.test, file: b.zone }] }\n';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-reload-'));
  put('a.zone', ZONE);
  put('b.zone', ZONE);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** A server of adotd.yaml, which has this text first; `change` reads it again with another one. */
async function serve(text: string, override: (config: Config) => Config = (config) => config) {
  put('adotd.yaml', text);
  const path = join(folder, 'adotd.yaml');
  const read = (): Config => override(readConfig(path));
  const running = await createServer({
    config: read(),
    configFile: { path, read, places: () => configPlaces(path) },
    zones: zonesOfConfig,
    log: silentLog,
    loader: { thread: false },
  });
  server = running;
  const change = (next: string, request = {}) => {
    put('adotd.yaml', next);
    return running.reload(request);
  };
  const rcode = async (name: string) => {
    const { rcode: found } = decodeMessage((await askUdp({ port: running.udp[0]!.port }, buildQuery({ name })))!);
    return found;
  };
  return { path, running, change, rcode };
}

describe('a file of the folder that is gone', () => {
  it('takes its zone with it, also when it is known before its folder is', async () => {
    mkdirSync(join(folder, 'zones'));
    const [one, copy] = ['zones/a.test.zone', 'zones/copy.zone'].map((name) => join(folder, name)) as [string, string];
    put('zones/a.test.zone', ZONE);
    const { running, rcode } = await serve(`${BASE}zones: { folder: zones }\n`);
    put('zones/copy.zone', `$ORIGIN a.test.\n${ZONE}`);
    await running.reload({ paths: new Set([join(folder, 'zones')]) });
    const states = () => running.loaded.status().map(({ name, state }) => `${name} ${state}`);
    expect(states()).not.toEqual(['a.test. served']);
    rmSync(copy);
    await running.reload({ paths: new Set([copy]) });
    expect(states()).toEqual(['a.test. served']);
    rmSync(one);
    put('zones/b.test.zone', ZONE);
    await running.reload({ paths: new Set([one]) });
    expect([await rcode('a.test'), await rcode('b.test')]).toEqual([5, 0]);
  });
});

describe('a change that needs a restart', () => {
  it('is named until it is undone, whatever is reloaded meanwhile', async () => {
    const { running, change } = await serve(BASE + ZONES);
    expect(running.reloader.restart).toEqual([]);
    await change(`${BASE}${ZONES}user: nobody\nlog: { format: pretty }\n`);
    expect(running.reloader.restart).toEqual(['log.format', 'user']);
    await running.reload({ zone: 'a.test.' });
    await running.reload();
    expect(running.reloader.restart).toEqual(['log.format', 'user']);
    // A file that cannot be used says nothing of what is wanted.
    await change(`${BASE}${ZONES}usr: nobody\n`);
    expect(running.reloader.restart).toEqual(['log.format', 'user']);
    await change(`${BASE}${ZONES}user: nobody\n`);
    expect(running.reloader.restart).toEqual(['user']);
    await change(BASE + ZONES);
    expect(running.reloader.restart).toEqual([]);
  });
});

describe('a configuration that has lost its zones while the server runs', () => {
  it.each([
    ['is empty', '', /:1:1: the file is empty/],
    [
      'has only comments',
      '# nothing\n',
      /:1:1: zones: found none, but 2 zones are served; .*--allow-empty, or restart$/,
    ],
    ['does not name any more', BASE, /:1:1: zones: found none, but 2 zones are served/],
    ['names a list without any', `${BASE}zones: { files: [] }`, /:5:8: zones: found none/],
  ])('changes nothing when it %s', async (_, text, message) => {
    const { path, running, change, rcode } = await serve(BASE + ZONES);
    const outcome = await change(text);
    expect(outcome.errors).toEqual([expect.stringMatching(message)]);
    expect(outcome.errors[0]).toContain(path);
    expect([outcome.config, outcome.counts.removed]).toEqual([undefined, 0]);
    expect(running.reloader.problems).toEqual(outcome.errors);
    expect(await rcode('ns.a.test.')).toBe(0);
    expect((await change(BASE + ZONES)).errors).toEqual([]);
    expect(running.reloader.problems).toEqual([]);
  });

  it('changes nothing either when its new folder has no zone, or cannot be read', async () => {
    const { change, rcode } = await serve(BASE + ZONES);
    const empty = await change(`${BASE}any: full\nzones: { folder: certs }\n`);
    expect([empty.errors, empty.config]).toEqual([[expect.stringMatching(/:6:8: zones: found none/)], undefined]);
    const missing = await change(`${BASE}any: full\nzones: { folder: none }\n`);
    expect([missing.errors, missing.config]).toEqual([
      [expect.stringMatching(/cannot read the zones folder/)],
      undefined,
    ]);
    expect(await rcode('ns.b.test.')).toBe(0);
  });

  it('takes them away when that is meant, but never with an empty file', async () => {
    const { change, rcode } = await serve(BASE + ZONES);
    expect((await change('', { allowEmpty: true })).errors).toHaveLength(1);
    expect(await rcode('ns.a.test.')).toBe(0);
    expect(await change('# nothing\n', { allowEmpty: true })).toMatchObject({ errors: [], counts: { removed: 2 } });
    expect(await rcode('ns.a.test.')).toBe(5);
  });

  it('may be empty where it has never been anything else', async () => {
    const base = configSchema.parse(parseConfig(BASE, 'base'));
    const { running } = await serve('', () => ({ ...base, zones: { ...base.zones, folder } }));
    expect((await running.reload()).errors).toEqual([]);
  });
});

describe('a configuration of which a part cannot be had', () => {
  const DENY = 'access: { deny: [127.0.0.0/8] }\n';

  it.each([
    ['certificate', 'tls: { certificates: [{ cert: no.pem, key: no.key }] }\n', /no\.pem: no such file/],
    ['file of ticket keys', 'tls: { ticket_key_file: no.keys, certs_folder: certs }\n', /no\.keys: no such file/],
    ['file of cookie secrets', 'cookies: { secret_file: no.secrets }\n', /no\.secrets: no such file/],
  ])('changes nothing, for want of a %s', async (_, part, message) => {
    const { running, change, rcode } = await serve(BASE + ZONES);
    const { config, tlsService } = { config: running.reloader.config, tlsService: running.tlsService! };
    const { files, certificates, settings } = tlsService;
    const outcome = await change(BASE + ZONES + DENY + part);
    expect(outcome.errors).toEqual([expect.stringMatching(message)]);
    expect([outcome.config, outcome.certificates]).toEqual([undefined, 'unchanged']);
    expect(running.reloader.config).toBe(config);
    expect(await rcode('ns.a.test.')).toBe(0);
    expect([tlsService.files, tlsService.certificates]).toEqual([files, certificates]);
    expect(Buffer.from(tlsService.settings.ticketKey)).toEqual(Buffer.from(settings.ticketKey));
    expect(running.reloader.problems).toEqual(outcome.errors);
    expect((await change(BASE + ZONES + DENY)).config?.changed).toEqual(['access.deny']);
    expect(await rcode('ns.a.test.')).toBe(5);
  });

  it('puts everything in force when all of it can: other certificates, ticket keys, and their time', async () => {
    const { running, change } = await serve(BASE + ZONES);
    const tlsService = running.tlsService!;
    const before = tlsService.settings;
    const [{ cert, key }] = tlsService.certificates;
    put('own.pem', cert);
    put('own.key', key);
    put('ticket.keys', `${'0b'.repeat(48)}\n`);
    const tls =
      'tls: { certificates: [{ cert: own.pem, key: own.key }], ticket_key_file: ticket.keys, ticket_rotation: 60 }\n';
    const outcome = await change(BASE + ZONES + tls);
    expect([outcome.errors, outcome.certificates]).toEqual([[], 'replaced']);
    expect(tlsService.files).toEqual(['own.pem', 'own.key', 'ticket.keys'].map((name) => join(folder, name)));
    expect([...tlsService.settings.ticketKey]).toEqual(Array(48).fill(11));
    expect([before.sessionTimeout, tlsService.settings.sessionTimeout]).toEqual([43_200, 60]);
  });

  it('is not held up by a certificate that has gone bad by itself', async () => {
    const { running, change, rcode } = await serve(`${BASE}${ZONES}tls: { certs_folder: certs }\n`);
    put(join('certs', 'self-signed.key'), 'spoiled');
    const outcome = await change(`${BASE}${ZONES}tls: { certs_folder: certs, ticket_rotation: 60 }\n${DENY}`);
    expect(outcome.errors).toEqual([expect.stringContaining('self-signed.key')]);
    expect([outcome.config?.changed, outcome.certificates]).toEqual([['tls.ticket_rotation', 'access.deny'], 'kept']);
    expect(running.tlsService?.settings.sessionTimeout).toBe(60);
    expect(await rcode('ns.a.test.')).toBe(5);
  });
});

describe('a policy for a name that no zone has', () => {
  const policy = (...names: readonly string[]): string =>
    `${BASE}${ZONES.replace(' }\n', '')},\n  policies: [{ zones: [${names.join(', ')}], require: tls }] }\n`;

  it('is told by every reload and by the status, with its place, until the zone is there', async () => {
    const { path, running, change, rcode } = await serve(BASE + ZONES);
    const told = `${path}:6:24: zones.policies[0].zones[0]: no zone c.test. is served; did you mean a.test.?`;
    const outcome = await change(policy('c.test', 'a.test'));
    expect([outcome.errors, outcome.config?.changed]).toEqual([[told], ['zones.policies']]);
    expect(await rcode('ns.a.test.')).toBe(5);
    expect((await running.reload()).errors).toEqual([told]);
    expect(running.reloader.problems).toEqual([told]);
    expect(running.reloader.facts.zones.failed).toBe(2);
    expect((await running.reload({ zone: 'a.test.' })).errors).toEqual([]);
    expect(running.reloader.problems).toEqual([told]);
    put('c.zone', ZONE);
    const files = policy('c.test', 'a.test').replace('files: [', 'files: [{ name: c.test, file: c.zone }, ');
    expect((await change(files)).errors).toEqual([]);
    expect([await rcode('ns.c.test.'), running.reloader.problems]).toEqual([5, []]);
  });

  it('is told from the start on', async () => {
    const { path, running } = await serve(policy('a.test', 'bb.test'));
    expect(running.reloader.problems).toEqual([
      `${path}:6:32: zones.policies[0].zones[1]: no zone bb.test. is served; did you mean b.test.?`,
    ]);
  });

  it('is refused where it takes the place of one that a zone has: the zone would be open', async () => {
    const { running, change, rcode } = await serve(policy('a.test'));
    const outcome = await change(policy('aa.test'));
    expect(outcome.errors).toEqual([
      expect.stringMatching(
        /:6:24: zones\.policies\[0\]\.zones\[0\]: no zone aa\.test\. .*a\.test\. would lose its policy/,
      ),
    ]);
    expect([outcome.config, await rcode('ns.a.test.')]).toEqual([undefined, 5]);
    expect(running.reloader.problems).toEqual(outcome.errors);
    expect((await change(policy('b.test'))).errors).toEqual([]);
    expect(await rcode('ns.a.test.')).toBe(0);
  });
});

describe('a reload of one zone', () => {
  it('fails for a name that no zone has, before and after it is removed', async () => {
    const { running, change } = await serve(BASE + ZONES);
    const unknown = ['c.test. is no zone of this server'];
    expect((await running.reload({ zone: 'c.test.' })).errors).toEqual(unknown);
    expect((await running.reload({ zone: 'A.Test.' })).errors).toEqual([]);
    await change(BASE + ZONES.replace('{ name: b.test, file: b.zone }', ''));
    expect((await running.reload({ zone: 'b.test.' })).errors).toEqual(['b.test. is no zone of this server']);
  });
});
