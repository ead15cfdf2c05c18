/**
 * A zone with two signers (RFC 8901 model 2), with TTLs of two seconds: unbound gets each answer from either of them, while one joins, both roll their
 * keys, and one leaves. Keys are copied by the commands of docs/dnssec.md.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { keyTag } from '../../../src/dnssec/keys.js';
import type { DnssecStatus } from '../../../src/server/signing/signing-status.js';
import { Exchange } from '../../differential/exchange.js';
import { textOf } from '../../repository/files.js';
import { freePort, type Peer, startPeer } from '../../support/peers/server.js';
import { runUnbound } from '../../support/peers/unbound.js';
import { SEED } from '../../support/seed.js';
import { randomFrom } from '../../zone/random-zone.js';
import { missingPrograms } from '../support.js';
import { Configured, comes, zoneText } from './configured.js';
import { EitherServer } from './either-server.js';
import { Registry, recordsOf } from './registry.js';
import { SteadyValidation } from './steady-validation.js';

const missing = missingPrograms({ unbound: 'unbound', dig: 'bind9-dnsutils', nsupdate: 'bind9-dnsutils' });
const missingBind = missingPrograms({ named: 'bind9', rndc: 'bind9' });
const PARENT = 'two.test.';
const ZONE = `shared.${PARENT}`;
const DNSKEY = 48;
const TIMES = { dnskey_ttl: 2, ds_ttl: 2, propagation: 2, parent_propagation: 0 };
const SECRET = Buffer.alloc(32, 7).toString('base64');
const LINES = ['www 2 A 192.0.2.1', 'alias 2 CNAME www', '*.wild 2 TXT "found"', 'x.ent 2 A 192.0.2.2'];
/** Milliseconds between two copies of keys, and from the end of a delegation until no cache has anything of a signer. */
const PAUSE = 500;
const FORGOTTEN = 8000;

/** Each takes two minutes of waiting. Two of ours are also in the simulation; ADOTD_LONG=1 has them here, too. */
const SECOND_SIGNERS: readonly ('adotd' | 'BIND')[] = process.env.ADOTD_LONG ? ['adotd', 'BIND'] : ['BIND'];

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'adotd-shared-'));

/** The functions of the page that copy keys and take them away. */
const SCRIPTS = [...textOf('docs/dnssec.md').matchAll(/^```sh\n(\w+_keys\(\) \{.*?^\}\n)/gms)]
  .map(([, text = '']) => text)
  .join('');

/** Runs one of them; a server is given by its port on loopback. */
async function script(name: 'copy_keys' | 'drop_keys', ...ports: readonly number[]): Promise<void> {
  // The page has servers on port 53.
  const text = SCRIPTS.replace('"@$2"', '-p "$2" @127.0.0.1').replace(/server \$([23])/g, 'server 127.0.0.1 $$$1');
  await run('sh', ['-c', `${text}${name} ${ZONE} ${ports.join(' ')}`], { cwd: folder });
}

/** A server that signs the zone. */
interface Signer {
  readonly port: number;
  readonly log: () => string;
  /** Whether it waits for nothing, and resolvers know the keys of the other one. */
  isReady(): Promise<boolean>;
  /** Gets the port of the other signer; undefined: there is none. */
  share(other: number | undefined): Promise<void>;
  roll(role: 'ksk' | 'zsk'): Promise<void>;
  stop(): Promise<void>;
}

class AdotdSigner implements Signer {
  readonly #server: Configured;
  readonly #name: string;
  readonly #parent: number;

  private constructor(name: string, parent: number) {
    this.#name = name;
    this.#parent = parent;
    this.#server = new Configured(join(folder, name));
  }

  static async start(name: string, parent: number, other?: number): Promise<AdotdSigner> {
    const signer = new AdotdSigner(name, parent);
    signer.#server.writeZone(ZONE, LINES);
    await signer.#server.start(signer.#config(other));
    return signer;
  }

  get port(): number {
    return this.#server.port;
  }

  log = (): string => this.#server.log();

  async isReady(): Promise<boolean> {
    const [status] = JSON.parse(await this.#server.ctl('dnssec', 'status', ZONE, '--json')) as DnssecStatus[];
    const { keys = [], foreignKeys = [] } = status ?? {};
    const isKnown = foreignKeys.length > 0 && foreignKeys.every(({ text }) => text.includes('known to all resolvers'));
    return isKnown && keys.length === 2 && keys.every(({ waits }) => waits.length === 0);
  }

  async share(other: number | undefined): Promise<void> {
    await this.#server.change(this.#config(other));
  }

  async roll(role: 'ksk' | 'zsk'): Promise<void> {
    await this.#server.ctl('dnssec', 'roll', ZONE, '--role', role);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #config(other: number | undefined): object {
    const names = other === undefined ? [] : ['other'];
    return {
      tsig: [{ name: 'keys.', secret: SECRET }],
      remotes: [
        { name: 'above', addresses: ['127.0.0.1'], port: this.#parent },
        ...(other === undefined ? [] : [{ name: 'other', addresses: ['127.0.0.1'], port: other }]),
      ],
      dnssec: { policies: { shared: { ...TIMES, keys: 'ksk+zsk', parent: ['above'], multi_signer: names } } },
      zones: {
        folder: join(folder, this.#name, 'zones'),
        policies: [
          {
            zones: [ZONE],
            dnssec: 'shared',
            update: [{ key: 'keys.', allow: [{ name: ZONE, types: ['DNSKEY', 'CDS', 'CDNSKEY'] }] }],
          },
        ],
      },
    };
  }
}

/** BIND keeps keys of others that come by UPDATE, one by one; it never deletes a key of its own, but may not be asked to delete all. */
class BindSigner implements Signer {
  readonly #folder: string;
  readonly #peer: Peer;
  readonly #control: number;
  readonly #said = new Set<string>();

  private constructor(name: string, peer: Peer, control: number) {
    this.#folder = name;
    this.#peer = peer;
    this.#control = control;
  }

  static async start(name: string): Promise<BindSigner> {
    const own = join(folder, name);
    mkdirSync(own);
    const [port, control] = [await freePort(), await freePort()];
    writeFileSync(join(own, 'zone'), zoneText(ZONE, LINES));
    const key =
      'keys { ksk lifetime unlimited algorithm ecdsap256sha256; zsk lifetime unlimited algorithm ecdsap256sha256; };';
    // Keys come to the other signer within the publish-safety: BIND does not ask whether they have.
    // Signatures are replaced within validity less refresh.
    const times = `signatures-validity 5m; signatures-validity-dnskey 5m; signatures-refresh 260s; signatures-jitter 10s; dnskey-ttl 2; publish-safety 10s; retire-safety 4s; parent-ds-ttl 2; parent-propagation-delay 1; zone-propagation-delay 1; max-zone-ttl 2;`;
    const config = `include "${join(folder, 'keys.key')}";
options {
  directory "${own}";
  key-directory "${own}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
};
controls { inet 127.0.0.1 port ${control} allow { 127.0.0.1; } keys { "keys."; }; };
dnssec-policy "fast" { ${key} ${times} };
zone "${ZONE}" { type primary; file "zone"; dnssec-policy "fast"; allow-update { key "keys."; }; };
`;
    writeFileSync(join(own, 'named.conf'), config);
    writeFileSync(
      join(own, 'rndc.conf'),
      `include "${join(folder, 'keys.key')}";
options { default-key "keys."; default-server 127.0.0.1; default-port ${control}; };
`,
    );
    const words = ['-g', '-n', '1', '-c', join(own, 'named.conf'), '-u', userInfo().username];
    return new BindSigner(own, await startPeer('BIND', 'named', words, port), control);
  }

  get port(): number {
    return this.#peer.port;
  }

  log = (): string => this.#peer.log();

  /** Puts the keys of another signer in place of those that it had of it. */
  async take(from: number): Promise<void> {
    const [theirs, ours] = [await keyLines(from), await keyLines(this.port)];
    const own = this.#tags();
    const gone = ours.filter((line) => !theirs.includes(line) && !own.has(tagOf(line)));
    const come = theirs.filter((line) => !ours.includes(line) && !own.has(tagOf(line)));
    if (gone.length + come.length === 0) return;
    const remove = gone.map((line) => `update delete ${line.replace(' 2 IN ', ' ')}`);
    const lines = [
      `server 127.0.0.1 ${this.port}`,
      `zone ${ZONE}`,
      ...remove,
      ...come.map((line) => `update add ${line}`),
    ];
    writeFileSync(join(this.#folder, 'update'), [...lines, 'send', ''].join('\n'));
    await run('nsupdate', ['-k', 'keys.key', join(this.#folder, 'update')], { cwd: folder });
  }

  async isReady(): Promise<boolean> {
    const status = await this.#rndc('dnssec', '-status', ZONE);
    const [key] = this.#keys(status, 'KSK');
    if (key !== undefined && /ds: +rumoured/.test(key)) return false;
    return key !== undefined;
  }

  async share(): Promise<void> {}

  /** Says to BIND, once, what has become of DS records at the parent, which has those with these tags; it is not asked here. */
  async dsSeen(present: readonly number[]): Promise<void> {
    const status = await this.#rndc('dnssec', '-status', ZONE);
    for (const text of this.#keys(status, 'KSK')) {
      const [, tag = ''] = /^(\d+)/.exec(text) ?? [];
      const isPresent = present.includes(Number(tag));
      const isAwaited = isPresent ? /ds: +rumoured/.test(text) : /ds: +unretentive/.test(text);
      const what = isPresent ? 'published' : 'withdrawn';
      if (!isAwaited || this.#said.has(`${tag} ${what}`)) continue;
      this.#said.add(`${tag} ${what}`);
      await this.#rndc('dnssec', '-checkds', '-key', tag, what, ZONE);
    }
  }

  async roll(role: 'ksk' | 'zsk'): Promise<void> {
    const [text = ''] = this.#keys(await this.#rndc('dnssec', '-status', ZONE), role.toUpperCase());
    const [, tag = ''] = /^(\d+)/.exec(text) ?? [];
    await this.#rndc('dnssec', '-rollover', '-key', tag, ZONE);
  }

  stop(): Promise<void> {
    return this.#peer.stop();
  }

  #keys(status: string, role: string): string[] {
    return status.split(/^key: /m).filter((text) => text.split('\n')[0]?.endsWith(role));
  }

  #tags(): Set<number> {
    const names = readdirSync(this.#folder).map((name) => /^K.*\+(\d+)\.key$/.exec(name)?.[1]);
    return new Set(names.map(Number));
  }

  async #rndc(...words: readonly string[]): Promise<string> {
    const { stdout } = await run('rndc', [
      '-c',
      join(this.#folder, 'rndc.conf'),
      '-p',
      String(this.#control),
      ...words,
    ]);
    return stdout;
  }
}

/** DNSKEY, CDS and CDNSKEY records, one a line, fields between single spaces. */
async function keyLines(port: number): Promise<string[]> {
  const words = ['+noall', '+answer', '+nosplit', '+tcp', '-p', String(port), '@127.0.0.1'];
  const { stdout } = await run('dig', [...words, ZONE, 'DNSKEY', ZONE, 'CDS', ZONE, 'CDNSKEY']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/g, ' '));
}

function tagOf(line: string): number {
  const [, , , type, first = '', ...rest] = line.split(' ');
  if (type === 'CDS') return Number(first);
  const [protocol = '', algorithm = '', key = ''] = rest;
  const flags = Number(first);
  const rdata = [flags >> 8, flags & 255, Number(protocol), Number(algorithm)];
  return keyTag(Buffer.concat([Buffer.from(rdata), Buffer.from(key, 'base64')]));
}

/** Copies keys between two signers, again and again. */
class Copying {
  readonly errors: string[] = [];
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(first: Signer, second: Signer) {
    this.#work = this.#run(first, second);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #run(first: Signer, second: Signer): Promise<void> {
    while (!this.#isOver) {
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const)
        await (to instanceof BindSigner ? to.take(from.port) : script('copy_keys', from.port, to.port)).catch(
          (error: unknown) => this.errors.push(String(error)),
        );
      await sleep(PAUSE);
    }
  }
}

function writeKey(): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'keys.key'), `key "keys." { algorithm hmac-sha256; secret "${SECRET}"; };\n`);
}

async function startParent(): Promise<{ parent: Configured; anchors: readonly string[] }> {
  const parent = new Configured(join(folder, 'parent'));
  parent.writeZone(PARENT, [`${ZONE} 2 NS ns.${ZONE}`, `ns.${ZONE} 2 A 127.0.0.1`]);
  await parent.start({
    remotes: [{ name: 'registry', addresses: ['127.0.0.1'] }],
    dnssec: { policies: { fast: TIMES } },
    zones: {
      folder: join(folder, 'parent', 'zones'),
      policies: [
        {
          zones: [PARENT],
          dnssec: 'fast',
          update: [{ remote: 'registry', allow: [{ subdomain: PARENT, types: ['DS'] }] }],
        },
      ],
    },
  });
  const above = await Exchange.open({ name: 'parent', address: '127.0.0.1', port: parent.port });
  await comes('the keys of the parent', async () => (await recordsOf(above, PARENT, DNSKEY)).length > 0);
  const anchors = await recordsOf(above, PARENT, DNSKEY);
  above.close();
  return { parent, anchors };
}

/** `anchors`: RDATA of DNSKEY in hexadecimal. */
function startResolver(anchors: readonly string[], parent: number, either: number): Promise<Peer> {
  const trusted = anchors.map((hex) => {
    const key = Buffer.from(hex, 'hex');
    return `  trust-anchor: "${PARENT} DNSKEY ${key.readUInt16BE(0)} ${key[2]} ${key[3]} ${key.toString('base64', 4)}"\n`;
  });
  const options = `  do-not-query-localhost: no
  outgoing-interface: 127.0.0.1
  module-config: "validator iterator"
  target-fetch-policy: "0 0 0 0 0"
  qname-minimisation: no
  harden-algo-downgrade: yes
  val-log-level: 2
  val-max-restart: 0
${trusted.join('')}`;
  const stub = (name: string, port: number): string =>
    `stub-zone:\n  name: "${name}"\n  stub-addr: 127.0.0.1@${port}\n`;
  return runUnbound(join(folder, 'unbound'), options, stub(PARENT, parent) + stub(ZONE, either));
}

describe.skipIf(missing)(`a zone with two signers${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const open: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(SECOND_SIGNERS)('is secure while %s joins, both roll, and it leaves', { timeout: 480_000 }, async (kind) => {
    if (kind === 'BIND' && missingBind) return;
    writeKey();
    const { parent, anchors } = await startParent();
    open.push(() => parent.stop());
    const either = await EitherServer.open(randomFrom(SEED));
    open.push(() => either.close());
    const first = await AdotdSigner.start('first', parent.port);
    open.push(() => first.stop());
    either.targets = [first.port];
    const second: Signer =
      kind === 'BIND' ? await BindSigner.start('bind') : await AdotdSigner.start('second', parent.port, first.port);
    open.push(() => second.stop());
    const unbound = await startResolver(anchors, parent.port, either.port);
    open.push(() => unbound.stop());
    const registry = await Registry.open(PARENT, parent, first, second);
    open.push(() => registry.close());
    const direct = await Promise.all(
      [first, second].map(({ port }) => Exchange.open({ name: 'signer', address: '127.0.0.1', port })),
    );
    open.push(() => direct.map((one) => one.close()));
    const validation = await SteadyValidation.open(unbound);
    open.push(() => validation.close());
    let phase = 'first signing';
    registry.watch(ZONE);
    validation.watch(ZONE, () => phase);
    const logs = (): string => [unbound, first, second].map((one) => one.log().slice(-3000)).join('\n');
    await comes('the zone is secure', () => validation.isSecure(ZONE) && registry.count(ZONE) === 1);

    phase = 'joining';
    await first.share(second.port);
    const copying = new Copying(first, second);
    open.push(() => copying.stop());
    await comes('both signers are ready', async () => {
      if (second instanceof BindSigner && registry.count(ZONE) === 2) await second.dsSeen(registry.tags(ZONE));
      return registry.count(ZONE) === 2 && (await first.isReady()) && (await second.isReady());
    });
    expect(registry.count(ZONE)).toBe(2);
    either.targets = [first.port, second.port];
    await sleep(FORGOTTEN);

    /** Keys of a role that both signers publish. */
    const published = async (role: 'ksk' | 'zsk'): Promise<string[]> => {
      const keys = await Promise.all(direct.map((one) => recordsOf(one, ZONE, DNSKEY)));
      return [...new Set(keys.flat())].filter((hex) => hex.startsWith(role === 'ksk' ? '0101' : '0100'));
    };
    for (const [signer, role] of [
      [first, 'zsk'],
      [second, 'zsk'],
      [first, 'ksk'],
      [second, 'ksk'],
    ] as const) {
      phase = `the roll of a ${role} of the ${signer === first ? 'first' : 'second'} signer`;
      const before = await published(role);
      expect(before).toHaveLength(2);
      await signer.roll(role);
      await comes(`the end of ${phase}`, async () => {
        const now = await published(role);
        if (second instanceof BindSigner && signer === second) await second.dsSeen(registry.tags(ZONE));
        return now.length === 2 && before.filter((key) => !now.includes(key)).length === 1;
      }).catch((error: Error) => {
        throw new Error(`${error.message}\n${logs()}`);
      });
    }
    expect(validation.faults, logs()).toEqual([]);

    phase = 'leaving';
    either.targets = [first.port];
    await sleep(FORGOTTEN);
    await copying.stop();
    expect(copying.errors).toEqual([]);
    registry.askFirstOnly();
    await first.share(undefined);
    await script('drop_keys', first.port);
    await comes('the keys of the second signer are gone', async () => {
      const keys = await recordsOf(direct[0]!, ZONE, DNSKEY);
      return keys.length === 2 && registry.count(ZONE) === 1;
    });
    await sleep(FORGOTTEN);
    expect(validation.isSecure(ZONE)).toBe(true);
    expect(validation.faults, logs()).toEqual([]);
    console.log(`${validation.answers} answers`);
  });
});
