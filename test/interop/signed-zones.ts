/** Zones that real signers sign, mistakes that are put into them, and the verdicts of real verifiers. */
import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rrsetLength, writeCanonicalOwner, writeRrset } from '../../src/dnssec/canonical-rrset.js';
import { dsRdata } from '../../src/dnssec/keys/delegation-signer.js';
import { generateKey } from '../../src/dnssec/keys/signing-key.js';
import { signContent } from '../../src/dnssec/signing/sign-content.js';
import { signInPlace } from '../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../src/dnssec/signing/signing-policy.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { printZone } from '../../src/zone/print.js';
import { groupRrsets } from '../../src/zone/rrsets.js';

export const APEX = 'example.test.';

/** The programs and their Debian packages. */
export const PROGRAMS = {
  'dnssec-keygen': 'bind9-utils',
  'dnssec-signzone': 'bind9-utils',
  'dnssec-verify': 'bind9-utils',
  'ldns-signzone': 'ldnsutils',
  'ldns-verify-zone': 'ldnsutils',
  kzonesign: 'knot-dnssecutils',
  kzonecheck: 'knot-dnssecutils',
} as const;

/** A zone with a name of each kind; names and addresses differ with the seed. */
export function unsignedZone(random: () => number): string {
  const some = (count: number): number => Math.floor(random() * count);
  const word = (): string => Array.from({ length: 1 + some(8) }, () => 'abcXYZ01'[some(8)]).join('');
  const digest = (): string => Array.from({ length: 64 }, () => '0123456789abcdef'[some(16)]).join('');
  const hosts = Array.from(
    { length: 3 + some(5) },
    (_, i) => `${word()}-h${i} ${60 + some(3600)} A 192.0.2.${some(250)}`,
  );
  return `$ORIGIN ${APEX}
$TTL 3600
@ SOA ns1 Host.Master 7 7200 900 1209600 300
@ NS ns1
@ NS NS2.Example.TEST.
@ MX 10 MAIL
@ MX 20 mail2
@ TXT "a" "b;c"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
NS2 A 192.0.2.2
mail 600 A 192.0.2.3
mail 600 A 192.0.2.4
mail2 A 192.0.2.5
www CNAME Www2
www2 HTTPS 1 . alpn=h2
*.wild A 192.0.2.9
*.wild TXT ${word()}
a.b.${word()}.ent TXT deep
sub NS ns.Sub
sub NS ns.other.test.
ns.sub A 192.0.2.20
d.${word()}.sub2 NS ns1
secure NS ns.secure
ns.secure A 192.0.2.21
secure DS ${some(65_536)} 13 2 ${digest()}
dn DNAME Target.Example.ORG.
srv SRV 1 2 3 Srv.Example.Test.
nap NAPTR 1 2 "u" "x" "" RepLace.
rp RP A.B C.D
odd\\007\\255 TXT odd
typ TYPE65400 \\# 3 abcdef
${hosts.join('\n')}
`;
}

/** How a zone is signed. */
export interface Signing {
  readonly name: string;
  /** Returns the path of the signed zone. */
  sign(folder: string, zone: string): string;
}

function run(program: string, words: readonly string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Makes a key-signing and a zone-signing key of an algorithm; returns their base names. */
function makeKeys(folder: string, algorithm: number, bits?: number): string[] {
  const size = bits === undefined ? [] : ['-b', String(bits)];
  mkdirSync(folder, { recursive: true });
  for (const flags of [['-f', 'KSK'], []])
    run('dnssec-keygen', ['-q', '-K', folder, '-a', String(algorithm), ...size, ...flags, APEX]);
  const public_ = readdirSync(folder).filter((name) => name.endsWith('.key'));
  return public_.sort().map((name) => join(folder, name.replace(/\.key$/, '')));
}

/** With dnssec-signzone; `options` such as `-3 - -A`. */
export function byBind(algorithm: number, options: readonly string[], bits?: number): Signing {
  const chain = options.includes('-A') ? 'opt-out' : options.includes('-3') ? 'NSEC3' : 'NSEC';
  const name = `dnssec-signzone, algorithm ${algorithm}, ${chain}`;
  return {
    name,
    sign(folder, zone) {
      const keys = join(folder, `keys-${algorithm}`);
      makeKeys(keys, algorithm, bits);
      const output = join(folder, 'signed');
      run('dnssec-signzone', [
        '-q',
        '-S',
        '-P',
        '-O',
        'full',
        '-K',
        keys,
        '-d',
        folder,
        ...options,
        '-o',
        APEX,
        '-f',
        output,
        zone,
      ]);
      return output;
    },
  };
}

/** With ldns-signzone; `options` such as `-n -p`. */
export function byLdns(algorithm: number, options: readonly string[]): Signing {
  return {
    name: `ldns-signzone, algorithm ${algorithm}, ${options.join(' ') || 'NSEC'}`,
    sign(folder, zone) {
      const output = join(folder, 'signed');
      run('ldns-signzone', ['-o', APEX, ...options, '-f', output, zone, ...makeKeys(join(folder, 'keys'), algorithm)]);
      return output;
    },
  };
}

/** With kzonesign. */
export function byKnot(algorithm: string, policy: string, zonemd: string): Signing {
  return {
    name: `kzonesign, ${algorithm}, ${policy || 'NSEC'}, ${zonemd}`,
    sign(folder, zone) {
      const output = join(folder, 'out');
      mkdirSync(output);
      const config = join(folder, 'knot.conf');
      writeFileSync(
        config,
        `server:
  rundir: "${folder}"
database:
  storage: "${folder}"
policy:
  - id: own
    algorithm: ${algorithm}
    nsec3-salt-length: 0
    ${policy}
zone:
  - domain: ${APEX}
    file: "${zone}"
    dnssec-policy: own
    zonemd-generate: ${zonemd}
`,
      );
      run('kzonesign', ['-c', config, '-o', output, APEX]);
      return join(output, readdirSync(output)[0]!);
    },
  };
}

/** By adotd; the KSK and the ZSK are made for it. `optOut`: with NSEC3; undefined: with NSEC. */
export function byAdotd(algorithm: number, optOut?: boolean): Signing {
  const nsec3 = optOut === undefined ? undefined : { optOut };
  return {
    name: `adotd, algorithm ${algorithm}, ${optOut === undefined ? 'NSEC' : optOut ? 'opt-out' : 'NSEC3'}`,
    sign(folder, zone) {
      const ksk = generateKey(algorithm, true);
      const zsk = generateKey(algorithm, false, [ksk.tag]);
      const ds = dsRdata(ksk.dnskey, nameFromText(APEX));
      const dnskey = [ksk.dnskey, zsk.dnskey];
      const keys = { dnskey, cds: [ds], cdnskey: [ksk.dnskey], keySigners: [ksk], zoneSigners: [zsk] };
      const now = Math.floor(Date.now() / 1000);
      const policy = { ...DEFAULT_SIGNING_POLICY, nsec3 };
      const { rrsets } = load({ file: zone, bytes: readFileSync(zone), origin: nameFromText(APEX) }, { now });
      const { store } = signContent(rrsets.store, { keys, policy, now, chooseSigner: signInPlace });
      const output = join(folder, 'signed');
      let text = '';
      printZone(groupRrsets(store), (part) => {
        text += part;
      });
      writeFileSync(output, text);
      return output;
    },
  };
}

/** One record a line, in canonical form: `owner TTL IN type RDATA`. */
export function canonicalLines(file: string): string[] {
  const { rrsets, diagnostics } = load(
    { file, bytes: readFileSync(file), origin: nameFromText(APEX) },
    { now: Date.now() / 1000 },
  );
  if (diagnostics.errors > 0) throw new Error(diagnostics.list.map(formatDiagnostic).join('\n'));
  let text = '';
  printZone(rrsets, (part) => {
    text += part;
  });
  return text.trimEnd().split('\n');
}

/** The errors that `adotd check` finds. */
export function ownErrors(file: string): string[] {
  const options = { now: Date.now() / 1000, dnssecCheck: () => 'strict' as const };
  const { diagnostics } = load({ file, bytes: readFileSync(file), origin: nameFromText(APEX) }, options);
  return diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
}

const JUDGES = {
  'dnssec-verify': (file: string) => ['-q', '-o', APEX, file],
  'ldns-verify-zone': (file: string) => [file],
  kzonecheck: (file: string) => ['-o', APEX, file],
} as const;
export type Judge = keyof typeof JUDGES;
export const ALL = Object.keys(JUDGES) as Judge[];

/** Whether each judge accepts the zone; undefined: it did not end within 15 seconds. */
export async function verdicts(file: string, judges = ALL): Promise<Partial<Record<Judge, boolean | undefined>>> {
  const ask = (judge: Judge) =>
    new Promise<boolean | undefined>((resolve, reject) => {
      const child = spawn(judge, JUDGES[judge](file), { stdio: 'ignore', timeout: 15_000 });
      child.on('error', reject);
      child.on('exit', (code) => resolve(code === null ? undefined : code === 0));
    });
  const said = await Promise.all(judges.map(async (judge) => [judge, await ask(judge)] as const));
  return Object.fromEntries(said);
}

interface SigningKey {
  readonly key: KeyObject;
  readonly tag: number;
}

/** The zone-signing key of algorithm 13 in a folder of makeKeys(). */
export function zoneSigningKey(folder: string): SigningKey {
  const bases = readdirSync(folder).filter((name) => name.endsWith('.key'));
  const base = bases.find((name) => readFileSync(join(folder, name), 'latin1').includes('DNSKEY 256 3 13 '))!;
  const secret = readFileSync(join(folder, base.replace(/key$/, 'private')), 'latin1');
  const point = Buffer.from(/DNSKEY 256 3 13 (.*)$/m.exec(readFileSync(join(folder, base), 'latin1'))![1]!, 'base64');
  const url = (octets: Buffer): string => octets.toString('base64url');
  const d = url(Buffer.from(/PrivateKey: (\S+)/.exec(secret)![1]!, 'base64'));
  const jwk = { kty: 'EC', crv: 'P-256', x: url(point.subarray(0, 32)), y: url(point.subarray(32)), d };
  return { key: createPrivateKey({ key: jwk, format: 'jwk' }), tag: Number(/\+(\d+)\.key$/.exec(base)![1]) };
}

/** The lines of a zone with a new signature of one of its RRsets, valid from 2026 on. */
export function signedAgain(
  lines: readonly string[],
  owner: string,
  type: string,
  expiration: string,
  { key, tag }: SigningKey,
): string[] {
  const rest = lines.filter((line) => !line.startsWith(`${owner} `) || !line.includes(` IN RRSIG ${type} `));
  const ttl = /(\d+) IN/.exec(rest.find((line) => line.startsWith(`${owner} `) && line.includes(` IN ${type} `))!)![1]!;
  const labels = owner.split('.').length - 1 - (owner.startsWith('*') ? 1 : 0);
  const head = `${owner} ${ttl} IN RRSIG ${type} 13 ${labels} ${ttl} ${expiration} 20260101000000 ${tag} ${APEX}`;
  const file = 'again';
  const bytes = Buffer.from([...rest, `${head} AAAA`].join('\n'));
  const { rrsets } = load({ file, bytes, origin: nameFromText(APEX) }, { now: Date.now() / 1000 });
  const { store } = rrsets;
  const row = store.recordCount - 1;
  const node = store.node[row]!;
  const number = (store.rdata[store.rdataAt[row]!]! << 8) | store.rdata[store.rdataAt[row]! + 1]!;
  let set = rrsets.nodeRrsets[node]!;
  while (rrsets.type[set] !== number) set++;
  const name = new Uint8Array(255);
  const nameLength = writeCanonicalOwner(store, node, name);
  const fixed = store.rdataLength[row]! - 3;
  const octets = new Uint8Array(fixed + rrsetLength(rrsets, set, nameLength));
  octets.set(store.rdata.subarray(store.rdataAt[row]!, store.rdataAt[row]! + fixed));
  writeRrset(rrsets, set, name, nameLength, Number(ttl), octets, fixed);
  return [...rest, `${head} ${sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' }).toString('base64')}`];
}
