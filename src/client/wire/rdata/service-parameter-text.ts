/** The parameters of SVCB and HTTPS from presentation format (RFC 9460 §2.1, appendix A). */
import { isIPv4, isIPv6 } from 'node:net';
import { addressOctets } from './address-octets.js';
import { type RdataWords, unescaped } from './rdata-words.js';
import { PARAMETER_NAMES } from './service-parameters.js';

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);

function keyNumber(words: RdataWords, text: string): number {
  const known = PARAMETER_NAMES.indexOf(text.toLowerCase());
  const number = known >= 0 ? known : Number(/^key([0-9]{1,5})$/i.exec(text)?.[1] ?? -1);
  return number >= 0 && number < 65_536 ? number : words.fail('a parameter such as alpn=h2 or key123=…');
}

function portOctets(words: RdataWords, value: string): Buffer {
  if (!/^[0-9]{1,5}$/.test(value) || Number(value) > 65_535) words.fail('a number from 0 to 65535');
  return u16(Number(value));
}

/** Items between commas, each behind its length. `\,` is a comma within an item; it is escaped once more in the text. */
function stringList(words: RdataWords, value: string): Buffer {
  const octets = unescaped(words, value);
  const items: number[][] = [[]];
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] ?? 0;
    if (octet === 0x2c) items.push([]);
    else if (octet === 0x5c) items.at(-1)?.push(octets[++i] ?? 0);
    else items.at(-1)?.push(octet);
  }
  if (items.some((item) => item.length === 0 || item.length > 255))
    words.fail('items of 1 to 255 octets between commas');
  return Buffer.from(items.flatMap((item) => [item.length, ...item]));
}

/** Transports with their percentages, `name:percentage` (draft-johani-dnsop-svcb-oots). */
function transports(words: RdataWords, value: string): Buffer {
  const items = value
    .split(',')
    .map((item) => /^([^:]+):([0-9]{1,3})$/.exec(item) ?? words.fail('transport:percentage'));
  return Buffer.concat(
    items.map(([, name = '', weight]) =>
      Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(Number(weight))]),
    ),
  );
}

function valueOctets(words: RdataWords, key: string, value: string): Uint8Array {
  const each = (one: (part: string) => Uint8Array): Buffer => Buffer.concat(value.split(',').map(one));
  switch (key) {
    case 'mandatory':
      return Buffer.concat(
        value
          .split(',')
          .map((name) => keyNumber(words, name))
          .sort((a, b) => a - b)
          .map(u16),
      );
    case 'alpn':
    case 'docpath':
      return value === '' ? Buffer.alloc(0) : stringList(words, value);
    case 'port':
      return portOctets(words, value);
    case 'tls-supported-groups':
      return each((part) => portOctets(words, part));
    case 'ipv4hint':
      return each((part) => (isIPv4(part) ? Buffer.from(part.split('.').map(Number)) : words.fail('IPv4 addresses')));
    case 'ipv6hint':
      return each((part) => (isIPv6(part) ? addressOctets(part) : words.fail('IPv6 addresses')));
    case 'ech':
      return Buffer.from(value, 'base64');
    case 'oots':
      return transports(words, value);
    default:
      return unescaped(words, value);
  }
}

/** The rest of the RDATA. In wire format, keys rise. */
export function parametersFromText(words: RdataWords): Uint8Array {
  const parameters = new Map<number, Uint8Array>();
  while (words.left > 0) {
    const { text } = words.take('a parameter');
    const sign = text.indexOf('=');
    const name = sign < 0 ? text : text.slice(0, sign);
    // A value in quotes is a word of its own: `alpn="h2,h3"`.
    const value =
      sign < 0
        ? ''
        : sign === text.length - 1 && words.isNextGlued()
          ? words.take('a value').text
          : text.slice(sign + 1);
    const key = keyNumber(words, name);
    if (parameters.has(key)) words.fail(`${name} once`);
    parameters.set(key, sign < 0 ? Buffer.alloc(0) : valueOctets(words, name.toLowerCase(), value));
  }
  const sorted = [...parameters].sort(([a], [b]) => a - b);
  return Buffer.concat(sorted.flatMap(([key, value]) => [u16(key), u16(value.length), value]));
}
