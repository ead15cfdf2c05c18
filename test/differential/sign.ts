/** Signs generated zones with BIND's dnssec-signzone, or with our own code; the key is made once per run and lent to every zone. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readBindKey } from '../../src/dnssec/keys/bind-key.js';
import { signContent } from '../../src/dnssec/signing/sign-content.js';
import { signInPlace } from '../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../src/dnssec/signing/signing-policy.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { printZone } from '../../src/zone/print.js';
import { groupRrsets } from '../../src/zone/rrsets.js';
import { toolPath } from '../support/peers/tools.js';
import type { Signing } from './model.js';

const run = promisify(execFile);

/** ECDSAP256SHA256 (RFC 6605 §4). */
const ALGORITHM = 13;
/** Zone key with the SEP bit: a combined signing key. */
const FLAGS = 257;
/** Seconds since 1970: our own signatures are valid from 2020 to 2038, as those of the other signer. */
const INCEPTION = Date.UTC(2020, 0, 1) / 1000;
const EXPIRATION = Date.UTC(2038, 0, 1) / 1000;

export interface Key {
  /** RDATA of the DNSKEY record, presentation form. */
  readonly dnskey: string;
  readonly tag: number;
  /** The private key in the form of BIND's `.private` files. */
  readonly secret: string;
}

/** RFC 4034 appendix B. */
function keyTag(rdata: Buffer): number {
  let sum = 0;
  for (const [i, octet] of rdata.entries()) sum += i % 2 === 0 ? octet << 8 : octet;
  return (sum + (sum >> 16)) & 0xffff;
}

function octets(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

export function makeKey(): Key {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y, d } = privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([octets(x), octets(y)]);
  const head = Buffer.from([FLAGS >> 8, FLAGS & 255, 3, ALGORITHM]);
  return {
    dnskey: `${FLAGS} 3 ${ALGORITHM} ${point.toString('base64')}`,
    tag: keyTag(Buffer.concat([head, point])),
    secret: `Private-key-format: v1.3\nAlgorithm: ${ALGORITHM} (ECDSAP256SHA256)\nPrivateKey: ${octets(d).toString('base64')}\n`,
  };
}

/**
 * Signs the zone file `input` (which holds the DNSKEY record) of the zone `name` as `output`. Signatures are valid from
 * 2020 to 2038. Rejects with the signer's message when it refuses the zone.
 */
export async function signZone(
  folder: string,
  name: string,
  signing: Exclude<Signing, 'unsigned'>,
  key: Key,
  input: string,
  output: string,
  nsec3: { salt: string; iterations: number },
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const stem = join(folder, `K${name}+0${ALGORITHM}+${String(key.tag).padStart(5, '0')}`);
  writeFileSync(`${stem}.key`, `${name} 3600 IN DNSKEY ${key.dnskey}\n`);
  writeFileSync(`${stem}.private`, key.secret, { mode: 0o600 });
  const chain = signing === 'NSEC' ? [] : ['-3', nsec3.salt, '-H', String(nsec3.iterations)];
  if (signing === 'opt-out') chain.push('-A');
  const times = ['-s', '20200101000000', '-e', '20380101000000'];
  const args = [
    '-P',
    '-z',
    '-O',
    'full',
    '-n',
    '1',
    '-d',
    folder,
    '-o',
    name,
    ...times,
    ...chain,
    '-f',
    output,
    input,
    stem,
  ];
  await run(toolPath('dnssec-signzone'), args);
  writeFileSync(output, plainEscapes(readFileSync(output, 'latin1')), 'latin1');
}

/** As signZone(), with adotd's own code; NSEC3 has no salt and no additional iterations. Throws for a zone with errors. */
export function signZoneOurselves(
  name: string,
  signing: Exclude<Signing, 'unsigned'>,
  key: Key,
  input: string,
  output: string,
): void {
  const publication = { file: 'key', text: `${name} 3600 IN DNSKEY ${key.dnskey}\n` };
  const { key: own } = readBindKey({ file: 'private', text: key.secret }, publication);
  const nsec3 = signing === 'NSEC' ? undefined : { optOut: signing === 'opt-out' };
  const { rrsets, diagnostics } = load(
    { file: input, bytes: readFileSync(input), origin: nameFromText(name) },
    { now: INCEPTION, compile: false },
  );
  const error = diagnostics.list.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(formatDiagnostic(error));
  const { store } = signContent(rrsets.store, {
    keys: { dnskey: [own.dnskey], cds: [], cdnskey: [], keySigners: [own], zoneSigners: [own] },
    policy: { ...DEFAULT_SIGNING_POLICY, nsec3, validity: EXPIRATION - INCEPTION, jitter: 0 },
    now: INCEPTION,
    chooseSigner: signInPlace,
  });
  let text = '';
  printZone(groupRrsets(store), (part) => {
    text += part;
  });
  writeFileSync(output, plainEscapes(text), 'latin1');
}

/**
 * NSD 4.6 and Knot 3.2 misread some escapes, and some characters that BIND leaves unescaped; `\DDD` is the same octet
 * (RFC 1035 §5.1) and everyone reads it. `\#` stays: it introduces RDATA of RFC 3597 §5.
 */
export function plainEscapes(text: string): string {
  const decimal = (c: string): string => `\\${c.charCodeAt(0).toString().padStart(3, '0')}`;
  return text.replace(/\\[^#]|[~{}[\]`]/gs, (c) => {
    if (/^\\[0-9]/.test(c)) return c;
    return decimal(c.slice(-1));
  });
}
