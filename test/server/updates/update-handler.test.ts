import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../../src/config/schema.js';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { type Changes, ImageView, type ZoneView } from '../../../src/image/changes/zone-view.js';
import { imageText } from '../../../src/image/text.js';
import { Rcode } from '../../../src/protocol/iana.js';
import { remotesOf } from '../../../src/server/remotes.js';
import { UpdateHandler } from '../../../src/server/updates/update-handler.js';
import { imageOf, OPTIONS } from '../../image/changes/versions.js';
import { textOf } from '../../repository/files.js';
import { updateMessage, type WireUpdate, ZONE } from '../../transfer/update/update-case.js';
import { CONFIG, requestOf } from './update-requests.js';

/** A keeper in memory: one zone, changes one after the other. */
class FakeKeeper {
  role: 'file' | 'secondary' | 'catalog-consumed' = 'file';
  image: Uint8Array;
  serial = 10;
  /** Called before a change is stored. */
  store: () => Promise<void> = async () => {};

  constructor(lines: readonly string[] = ZONE) {
    this.image = imageOf(`${lines.join('\n')}\n`);
  }

  get(zone: string) {
    const { role, image } = this;
    return zone === 'example.' ? { role, state: 'served' as const, image } : undefined;
  }

  async change(_: string, make: (view: ZoneView) => Changes | undefined): Promise<{ serial: number }> {
    const changes = make(new ImageView(this.image));
    await this.store();
    if (changes === undefined) return { serial: this.serial };
    const view = new PendingView(new ImageView(this.image));
    view.apply(changes);
    const { image } = applyDifference(this.image, view.difference(++this.serial), OPTIONS);
    this.image = image!;
    return { serial: this.serial };
  }

  get text(): string {
    return [...imageText(this.image)].join('');
  }
}

interface Said {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function setUp(keeper = new FakeKeeper()) {
  const said: Said[] = [];
  const say = (level: string) => (fields: object, message: string) => void said.push({ level, fields, message });
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const handler = new UpdateHandler(CONFIG, { keeper, log, remotes: remotesOf(CONFIG) });
  const send = (update: WireUpdate, key?: string, address = [127, 0, 0, 1], begin = () => true) =>
    handler.handle(requestOf(updateMessage(update), key, address), begin);
  return { keeper, handler, send, said };
}

const TXT = '_acme-challenge 60 IN TXT "token"';

describe('the configuration of docs/zones.md', () => {
  it('lets the keys that it names change what it says', () => {
    const [, yaml = ''] = /^```yaml\n(.*?)^```$/ms.exec(textOf('docs/zones.md')) ?? [];
    const config = configSchema.parse(parse(yaml));
    expect(config.zones.policies).toMatchObject([{ zones: ['example.test'], update: [{ key: 'acme.example.' }, {}] }]);
  });
});

describe('an UPDATE', () => {
  it('that was given up while it waited changes nothing', async () => {
    const { keeper, send, said } = setUp();
    const before = keeper.text;
    expect(await send({ changes: [TXT] }, 'acme.', undefined, () => false)).toMatchObject({ rcode: Rcode.SERVFAIL });
    expect(keeper.text).toBe(before);
    expect(said.at(-1)?.message).toContain('nothing is changed: it waited too long for other changes');
  });

  it('of a client that may make the change is made, and the log says who changed what', async () => {
    const { keeper, send, said } = setUp();
    expect(await send({ changes: [TXT] }, 'acme.')).toEqual({ rcode: Rcode.NOERROR });
    expect(keeper.text).toContain('_acme-challenge.example. 60 IN TXT "token"');
    expect(said).toEqual([
      {
        level: 'info',
        fields: { zone: 'example.', client: '127.0.0.1:4711', key: 'acme.', added: 1, removed: 0, serial: 11 },
        message:
          'zone example. changed by UPDATE of 127.0.0.1:4711 with key acme., serial 11: 1 record added, 0 removed: + _acme-challenge.example. TXT',
      },
    ]);
  });

  it('of a client that may change nothing is REFUSED before its records are read', async () => {
    const { handler } = setUp();
    const malformed = updateMessage({ changes: ['www 60 IN A \\# 3 c00002'] });
    expect((await handler.handle(requestOf(malformed), () => true)).rcode).toBe(Rcode.REFUSED);
    expect((await handler.handle(requestOf(malformed, 'all.'), () => true)).rcode).toBe(Rcode.FORMERR);
  });

  it('of such a client that may not make this change is REFUSED, with the reason, and a warning', async () => {
    const { keeper, send, said } = setUp();
    const before = keeper.image;
    expect(await send({ changes: [TXT, 'www 60 IN A 192.0.2.1'] }, 'acme.')).toEqual({
      rcode: Rcode.REFUSED,
      ede: 18,
      text: 'the policy does not let this client change www.example. A',
    });
    expect(keeper.image).toBe(before);
    expect(said).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/answered REFUSED: the policy does not/) },
    ]);
  });

  it('of a remote is judged by its address', async () => {
    const { send } = setUp();
    const change = { changes: ['a.office 60 IN A 192.0.2.1'] };
    expect(await send(change, undefined, [192, 0, 2, 7])).toEqual({ rcode: Rcode.NOERROR });
    expect(await send(change, undefined, [192, 0, 2, 8])).toMatchObject({ rcode: Rcode.REFUSED });
  });

  it('of a stranger is REFUSED before its prerequisites are looked at, and not a line of the log', async () => {
    const { send, said } = setUp();
    for (const key of [undefined, 'other.'])
      expect(await send({ prerequisites: ['www 0 ANY A'], changes: [TXT] }, key)).toEqual({
        rcode: Rcode.REFUSED,
        ede: 18,
        text: 'this client may not change example.',
      });
    expect(said.map(({ level }) => level)).toEqual(['debug', 'debug']);
  });

  it.each([
    ['a zone that is not ours', { zone: 'example.net.' }],
    ['another class', { zoneClass: 3 }],
  ])('of %s is NOTAUTH', async (_, update) => {
    expect(await setUp().send(update, 'all.')).toMatchObject({ rcode: Rcode.NOTAUTH, ede: 20 });
  });

  it.each(['secondary', 'catalog-consumed'] as const)('of a %s zone is NOTAUTH: it is not forwarded', async (role) => {
    const keeper = new FakeKeeper();
    keeper.role = role;
    expect(await setUp(keeper).send({ changes: [TXT] }, 'all.')).toEqual({
      rcode: Rcode.NOTAUTH,
      ede: 20,
      text: 'example. comes from a primary: send UPDATE to that',
    });
  });

  it('of a zone that is signed elsewhere is REFUSED, with a remedy', async () => {
    const signature = `@ 3600 RRSIG SOA 13 1 3600 20370101000000 20260101000000 7 example. ${'A'.repeat(86)}==`;
    const { send } = setUp(new FakeKeeper([...ZONE, signature]));
    expect(await send({ changes: [TXT] }, 'all.')).toMatchObject({
      rcode: Rcode.REFUSED,
      text: 'example. is signed elsewhere: change it there, or leave its signatures out',
    });
  });

  it('that is malformed is FORMERR', async () => {
    const { handler } = setUp();
    expect(await handler.handle(requestOf(updateMessage({ zoneType: 1 }), 'all.'), () => true)).toMatchObject({
      rcode: Rcode.FORMERR,
    });
  });

  it('is answered once the change is stored, and SERVFAIL when that fails', async () => {
    const { keeper, send, said } = setUp();
    const events: string[] = [];
    let store = (): void => {};
    keeper.store = () => new Promise((resolve) => (store = resolve));
    const answer = send({ changes: [TXT] }, 'acme.').then(({ rcode }) => events.push(`answered ${rcode}`));
    await Promise.resolve();
    events.push('stored');
    store();
    await answer;
    expect(events).toEqual(['stored', 'answered 0']);

    keeper.store = () => Promise.reject(new AdotdError(ErrorCode.FILE, 'no space left on device'));
    const before = keeper.image;
    expect(await send({ changes: ['_acme-challenge 0 ANY TXT'] }, 'acme.')).toEqual({
      rcode: Rcode.SERVFAIL,
      ede: 0,
      text: 'the change could not be stored; nothing is changed',
    });
    expect(keeper.image).toBe(before);
    expect(said.at(-1)).toMatchObject({
      level: 'error',
      message: expect.stringMatching(/nothing is changed: no space left/),
    });
  });

  it('whose result is no valid zone is REFUSED with the first mistake', async () => {
    const { keeper, send } = setUp();
    keeper.store = () => Promise.reject(new AdotdError(ErrorCode.ZONE_INVALID, 'found one thing\nfound another'));
    expect(await send({ changes: [TXT] }, 'acme.')).toEqual({ rcode: Rcode.REFUSED, ede: 0, text: 'found one thing' });
  });

  it('is counted by RCODE', async () => {
    const { handler, send } = setUp();
    await send({ changes: [TXT] }, 'acme.');
    await send({ changes: [TXT] }, 'acme.');
    await send({ prerequisites: ['no 0 ANY ANY'] }, 'acme.');
    expect([...handler.counts]).toEqual([
      [Rcode.NOERROR, 2],
      [Rcode.NXDOMAIN, 1],
    ]);
  });

  it('is judged by another configuration from the next message on', async () => {
    const { handler, send } = setUp();
    handler.configure({ ...CONFIG, zones: { ...CONFIG.zones, policies: [] } });
    expect(await send({ changes: [TXT] }, 'all.')).toMatchObject({ rcode: Rcode.REFUSED });
  });
});
