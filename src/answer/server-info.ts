/**
 * Class CH: information about the server (RFC 4892), and STARTTLS/CH/TXT of draft-ietf-dprive-start-tls-for-dns §2.1.4.2.
 */
import { Class, Type } from '../protocol/iana.js';
import { LOWER } from '../protocol/name.js';
import { writeU16 } from '../protocol/octets.js';
import { type Exchange, HEADER } from './exchange.js';
import type { Facts } from './facts.js';

/** Names of two labels that are answered, in wire format without the root. */
const VERSION_BIND = wireOf('version', 'bind');
const VERSION_SERVER = wireOf('version', 'server');
const HOSTNAME_BIND = wireOf('hostname', 'bind');
const ID_SERVER = wireOf('id', 'server');
const STARTTLS = wireOf('starttls');

const TEXT_STARTTLS = Uint8Array.from(Buffer.from('STARTTLS', 'latin1'));
const TEXT_NO_TLS = Uint8Array.from(Buffer.from('NO_TLS', 'latin1'));

function wireOf(...labels: string[]): Uint8Array {
  return Uint8Array.from(labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]).concat(0));
}

/** The texts of one responder, made once. */
export interface ServerTexts {
  readonly version: Uint8Array | undefined;
  readonly hostname: Uint8Array | undefined;
}

/** Texts as octets; a character-string has 255 at the most (RFC 1035 §3.3). */
export function serverTexts(version: string | undefined, hostname: string | undefined): ServerTexts {
  const octets = (text: string | undefined) =>
    text === undefined ? undefined : Uint8Array.from(Buffer.from(text, 'utf8').subarray(0, 255));
  return { version: octets(version), hostname: octets(hostname) };
}

/** Whether the question is STARTTLS/CH/TXT, in any letter case. */
export function isStarttls(x: Exchange): boolean {
  return x.qclass === Class.CH && x.qtype === Type.TXT && isName(x, STARTTLS);
}

/** Answers a question of class CH; returns false when it is to be REFUSED. */
export function answerChaos(x: Exchange, facts: Facts, texts: ServerTexts): boolean {
  if (x.qtype !== Type.TXT) return false;
  let text: Uint8Array | undefined;
  if (isName(x, STARTTLS)) {
    text = facts.upgradeOnOffer === 1 ? TEXT_STARTTLS : TEXT_NO_TLS;
    if (facts.upgradeOnOffer === 1) x.outcome.upgrade = 1;
  } else if (isName(x, VERSION_BIND) || isName(x, VERSION_SERVER)) text = texts.version;
  else if (isName(x, HOSTNAME_BIND) || isName(x, ID_SERVER)) text = texts.hostname;
  if (text === undefined) return false;
  putText(x, text);
  return true;
}

function isName(x: Exchange, name: Uint8Array): boolean {
  if (x.qnameLength !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (LOWER[x.request[x.qnameAt + i]!] !== name[i]) return false;
  return true;
}

function putText(x: Exchange, text: Uint8Array): void {
  const out = x.response;
  const at = x.at;
  if (at + 13 + text.length > x.limit) {
    x.truncated = 1;
    return;
  }
  writeU16(out, at, 0xc000 | HEADER);
  writeU16(out, at + 2, Type.TXT);
  writeU16(out, at + 4, Class.CH);
  out.fill(0, at + 6, at + 10);
  writeU16(out, at + 10, text.length + 1);
  out[at + 12] = text.length;
  for (let i = 0; i < text.length; i++) out[at + 13 + i] = text[i]!;
  x.at = at + 13 + text.length;
  x.answers++;
}
