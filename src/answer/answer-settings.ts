import type { TsigKey } from '../protocol/tsig/tsig-key.js';

/** Configured properties of answers; fixed for the life of a responder. */
export interface Settings {
  /** The identifier of NSID (RFC 5001); undefined: the option is ignored. */
  readonly nsid?: Uint8Array | undefined;
  /** Text of version.bind and version.server (RFC 4892); undefined: REFUSED. */
  readonly version?: string | undefined;
  /** Text of id.server and hostname.bind (RFC 4892); undefined: REFUSED. */
  readonly hostname?: string | undefined;
  /** Leave out additional records other than glue and the addresses of nameservers asked for by QTYPE NS. */
  readonly minimalResponses: boolean;
  /** Answer ANY with all RRsets instead of one (RFC 8482 §4.1). */
  readonly anyFull: boolean;
  /** Cookie secrets (RFC 9018), 16 octets each; the first signs, all are accepted; none: cookies are ignored. */
  readonly cookieSecrets: readonly Uint8Array[];
  /** Answer UDP queries without a valid server cookie with BADCOOKIE (RFC 7873 §5.2.3). */
  readonly cookiesRequired: boolean;
  /** Agent domain for error reports (RFC 9567), wire format; undefined: the option is not sent. */
  readonly reportAgent?: Uint8Array | undefined;
  /** Number of the EDNS option OOTS (oots.ts); -1: there is none. */
  readonly ootsOption: number;
  /** Names of this server in lower case, wire format: only zones that one of them serves have signals. */
  readonly ootsNames: readonly Uint8Array[];
  /** Keys that requests may be signed with (RFC 8945); their names differ. */
  readonly tsigKeys: readonly TsigKey[];
  /** Opcodes of requests that are handed off, a bit each: 1 << Opcode. */
  readonly handedOpcodes: number;
}

/** The settings when nothing is configured: no server information, no cookies. */
export const DEFAULT_SETTINGS: Settings = {
  minimalResponses: true,
  anyFull: false,
  cookieSecrets: [],
  cookiesRequired: false,
  ootsOption: -1,
  ootsNames: [],
  tsigKeys: [],
  handedOpcodes: 0,
};
