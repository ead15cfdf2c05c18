/** EDNS (RFC 6891) of the client, in queries and answers. */
import { randomBytes } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import { EdnsOption } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode, fitting } from '../errors.js';
import { either, isTruth, listOf, objectOf, octets, truth, u16, type Validators, whole } from '../validation.js';
import { edeToText, optionToText } from './mnemonics.js';
import { quoted } from './rdata/fields.js';

/** Bits of the OPT record's flags. */
export const EdnsFlag = {
  DO: 0x8000, // RFC 4035
  /** The draft's "TLS OK"; RFC 9824 has since called the same bit CO. */
  TO: 0x4000, // draft-ietf-dprive-start-tls-for-dns-01 §2
} as const;

export interface Option {
  readonly code: number;
  readonly data: Uint8Array;
}

/** The OPT record of a message. */
export interface Edns {
  /** The largest UDP payload that the sender can take, in octets. */
  readonly size: number;
  readonly version: number;
  readonly flags: number;
  readonly options: readonly Option[];
}

/** EDNS of a query. */
export interface EdnsRequest {
  /** UDP payload in octets. Default 1232. */
  readonly size?: number;
  readonly version?: number;
  readonly dnssec?: boolean;
  readonly nsid?: boolean;
  /** A COOKIE option (RFC 7873): `true` for a new client cookie, or the octets of a cookie, with or without the server's part. */
  readonly cookie?: boolean | Uint8Array;
  /** An empty edns-tcp-keepalive option (RFC 7828 §3.2.1). It is left out over UDP, where it must not be. */
  readonly keepalive?: boolean;
  /** Pads the query to a multiple of these octets (RFC 8467 §4.1 says 128), only inside TLS (RFC 7830 §6). */
  readonly padding?: number;
  /** Further options, sent as they are over every transport. */
  readonly options?: readonly Option[];
}

export const ednsValidators: Validators<EdnsRequest> = {
  size: u16,
  version: whole(0, 255),
  dnssec: truth,
  nsid: truth,
  cookie: either('true, false or octets: a Uint8Array or Buffer', [isTruth, truth], [isUint8Array, octets]),
  keepalive: truth,
  padding: u16,
  options: listOf(objectOf<Option>({ code: u16, data: octets }, ['code', 'data'])),
};

const HEADER = 11;
const OPTION_HEADER = 4;

/** The properties of a transport that EDNS depends on. */
export interface Channel {
  readonly stream: boolean;
  readonly encrypted: boolean;
}

/** The OPT record after `before` octets of a query. `flags` are set in addition to those of the request. */
export function encodeOpt(request: EdnsRequest, flags: number, channel: Channel, before: number): Buffer {
  const options: Option[] = [];
  if (request.nsid) options.push({ code: EdnsOption.NSID, data: Buffer.alloc(0) });
  if (request.cookie) {
    options.push({ code: EdnsOption.COOKIE, data: request.cookie === true ? randomBytes(8) : request.cookie });
  }
  if (request.keepalive && channel.stream) options.push({ code: EdnsOption.TCP_KEEPALIVE, data: Buffer.alloc(0) });
  options.push(...(request.options ?? []));
  let length = options.reduce((sum, option) => sum + OPTION_HEADER + option.data.length, 0);
  if (request.padding && channel.encrypted) {
    const unpadded = before + HEADER + length + OPTION_HEADER;
    const padding = (request.padding - (unpadded % request.padding)) % request.padding;
    options.push({ code: EdnsOption.PADDING, data: Buffer.alloc(padding) });
    length += OPTION_HEADER + padding;
  }
  const opt = Buffer.alloc(HEADER + length);
  opt.writeUInt16BE(41, 1);
  opt.writeUInt16BE(fitting(request.size ?? 1232, 16, 'UDP payload'), 3);
  opt.writeUInt8(fitting(request.version ?? 0, 8, 'EDNS version'), 6);
  opt.writeUInt16BE((request.dnssec ? EdnsFlag.DO : 0) | flags, 7);
  opt.writeUInt16BE(fitting(length, 16, 'length of the EDNS options'), 9);
  let at = HEADER;
  for (const { code, data } of options) {
    opt.writeUInt16BE(fitting(code, 16, 'EDNS option'), at);
    opt.writeUInt16BE(data.length, at + 2);
    opt.set(data, at + OPTION_HEADER);
    at += OPTION_HEADER + data.length;
  }
  return opt;
}

/** The options in the RDATA of an OPT record. Throws CLIENT_MALFORMED. */
export function decodeOptions(rdata: Uint8Array): Option[] {
  const octets = Buffer.from(rdata);
  const options: Option[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + OPTION_HEADER > octets.length ? -1 : at + OPTION_HEADER + octets.readUInt16BE(at + 2);
    if (end < 0 || end > octets.length)
      throw new ClientError(ClientErrorCode.MALFORMED, 'an EDNS option runs past the end of the OPT record');
    options.push({ code: octets.readUInt16BE(at), data: octets.subarray(at + OPTION_HEADER, end) });
    at = end;
  }
  return options;
}

/** An option as text: its name, and its value if the option is known. */
export function optionText(option: Option): string {
  const data = Buffer.from(option.data);
  const name = optionToText(option.code);
  const hex = data.toString('hex');
  switch (option.code) {
    case EdnsOption.NSID:
      return `NSID: ${hex} (${quoted(data)})`;
    case EdnsOption.COOKIE:
      return `COOKIE: ${hex}`;
    case EdnsOption.TCP_KEEPALIVE:
      return data.length === 2 ? `TCP-KEEPALIVE: ${(data.readUInt16BE() / 10).toFixed(1)} s` : `TCP-KEEPALIVE: ${hex}`;
    case EdnsOption.PADDING:
      return `PADDING: ${data.length} octets`;
    case EdnsOption.EDE:
      if (data.length < 2) break;
      return `EDE: ${data.readUInt16BE()} (${edeToText(data.readUInt16BE())})${data.length > 2 ? `: ${quoted(data.subarray(2))}` : ''}`;
    default:
  }
  return `${name}: ${hex}`;
}

/** How long a session may be idle, in milliseconds, if the server says so (RFC 7828). */
export function keepaliveOf(edns: Edns | undefined): number | undefined {
  const option = edns?.options.find(({ code }) => code === EdnsOption.TCP_KEEPALIVE);
  return option?.data.length === 2 ? Buffer.from(option.data).readUInt16BE() * 100 : undefined;
}
