/** The parameters of SVCB and HTTPS (RFC 9460 §2.1 and §2.2). */
import { type FieldText, ipv4Text, ipv6Text, quoted } from './fields.js';
import type { RdataReader } from './reader.js';

/** By number: IANA's registry "Service Parameter Keys" of 2026-07-10. */
export const PARAMETER_NAMES: readonly string[] = [
  'mandatory',
  'alpn',
  'no-default-alpn',
  'port',
  'ipv4hint',
  'ech',
  'ipv6hint',
  'dohpath',
  'ohttp',
  'tls-supported-groups',
  'docpath',
  'pvd',
  'oots',
];
/** Keys without a value. */
const FLAGS = new Set(['no-default-alpn', 'ohttp', 'pvd']);
const keyToText = (key: number): string => PARAMETER_NAMES[key] ?? `key${key}`;

/** Splits a value into parts of `size` octets, at least one. */
function parts(r: RdataReader, value: Buffer, size: number, key: string): Buffer[] {
  if (value.length === 0 || value.length % size !== 0) r.fail(`has ${value.length} octets as the value of ${key}`);
  return Array.from({ length: value.length / size }, (_, i) => value.subarray(i * size, (i + 1) * size));
}

/** Strings, each after its length. Commas and backslashes in them are escaped twice (RFC 9460 appendix A.1). */
function stringList(r: RdataReader, key: string, value: Buffer): string {
  const list: number[] = [];
  for (let at = 0; at < value.length; at += 1 + (value[at] ?? 0)) {
    const length = value[at] ?? 0;
    if (length === 0 || at + 1 + length > value.length) r.fail(`has a malformed ${key}`);
    if (at > 0) list.push(0x2c);
    for (const octet of value.subarray(at + 1, at + 1 + length)) {
      if (octet === 0x2c || octet === 0x5c) list.push(0x5c);
      list.push(octet);
    }
  }
  return quoted(Uint8Array.from(list));
}

/** Transports, each after its length and with a percentage behind it (draft-johani-dnsop-svcb-oots). */
function transports(r: RdataReader, value: Buffer): string {
  const list: string[] = [];
  for (let at = 0; at < value.length; at += 2 + (value[at] ?? 0)) {
    const weight = at + 1 + (value[at] ?? 0);
    if (weight === at + 1 || weight >= value.length) r.fail('has a malformed oots');
    list.push(`${value.subarray(at + 1, weight).toString('latin1')}:${value[weight]}`);
  }
  if (list.length === 0) r.fail('has an empty oots');
  return quoted(Buffer.from(list.join(','), 'latin1'));
}

function valueToText(r: RdataReader, key: string, value: Buffer): string {
  switch (key) {
    case 'mandatory':
      return parts(r, value, 2, key)
        .map((part) => keyToText(part.readUInt16BE()))
        .join(',');
    case 'alpn':
      if (value.length === 0) r.fail('has an empty alpn');
      return stringList(r, key, value);
    case 'docpath':
      return stringList(r, key, value);
    case 'oots':
      return transports(r, value);
    case 'port':
      if (value.length !== 2) r.fail(`has ${value.length} octets as the value of port`);
      return String(value.readUInt16BE());
    case 'ipv4hint':
      return parts(r, value, 4, key).map(ipv4Text).join(',');
    case 'ipv6hint':
      return parts(r, value, 16, key).map(ipv6Text).join(',');
    case 'tls-supported-groups':
      return parts(r, value, 2, key)
        .map((part) => part.readUInt16BE())
        .join(',');
    case 'ech':
      return value.toString('base64');
    default:
      return quoted(value);
  }
}

/** The rest of the RDATA. */
export const serviceParameters: FieldText = (r) => {
  const words: string[] = [];
  let before = -1;
  while (r.left > 0) {
    const number = r.u16();
    if (number <= before) r.fail('has service parameters that are not in rising order');
    before = number;
    const key = keyToText(number);
    const value = r.take(r.u16());
    if (FLAGS.has(key) && value.length > 0) r.fail(`has a value for ${key}`);
    const text = value.length === 0 && PARAMETER_NAMES[number] === undefined ? '' : valueToText(r, key, value);
    words.push(value.length === 0 ? key : `${key}=${text}`);
  }
  return words.join(' ');
};
