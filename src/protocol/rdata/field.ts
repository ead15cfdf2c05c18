/**
 * Kinds of RDATA fields. A row of the RDATA table is a list of fields; scanner, printer, wire reader and canonical form
 * follow from their kinds (codec.ts). A kind is a number, so that hot code indexes an array with it.
 */
export const FieldKind = {
  U8: 0,
  U16: 1,
  U32: 2,
  U64: 3,
  /** u32 of seconds, in presentation format also with units: 1h30m. */
  PERIOD: 4,
  /** u32 of seconds since 1970, in presentation format YYYYMMDDHHMMSS (RFC 4034 §3.2). */
  TIME: 5,
  /** u16: a type, by its mnemonic. */
  TYPE: 6,
  /** u8: a DNSSEC algorithm, by number or mnemonic. */
  ALGORITHM: 7,
  /** u8: a DS digest type, by number or mnemonic. */
  DIGEST_TYPE: 8,
  /** u16: a CERT type, by number or mnemonic (RFC 4398 §2.1). */
  CERTIFICATE_TYPE: 9,
  /** u8: a DSYNC scheme (RFC 9859 §2.1). */
  SCHEME: 10,
  IPV4: 11,
  IPV6: 12,
  /** Six octets, 00-00-5e-00-53-2a (RFC 7043). */
  EUI48: 13,
  EUI64: 14,
  /** Eight octets, 0014:4fff:ff20:ee64 (RFC 6742). */
  LOCATOR64: 15,
  /** A name of an RFC 1035 type: written compressed, read decompressed, lower case in canonical form. */
  COMPRESSED_NAME: 16,
  /** A name that old senders compressed (RFC 3597 §4): never written so, but read; lower case in canonical form. */
  DECOMPRESSED_NAME: 17,
  /** A name never compressed, lower case in canonical form (RFC 4034 §6.2). */
  LOWERED_NAME: 18,
  /** A name never compressed, whose letter case is kept in canonical form. */
  NAME: 19,
  /** A character-string (RFC 1035 §3.3). */
  STRING: 20,
  /** A character-string that may be missing. */
  OPTIONAL_STRING: 21,
  /** One or more character-strings up to the end. */
  STRINGS: 22,
  /** A character-string of ASCII letters and digits, written without quotes: the tag of CAA. */
  TAG: 23,
  /** The rest of the RDATA, in quotes, without a length octet. */
  TEXT: 24,
  /** The rest of the RDATA, at least one octet. */
  HEX: 25,
  BASE64: 26,
  OPTIONAL_BASE64: 27,
  /** As BASE64, with `-` for no octets (DOA). */
  DASHED_BASE64: 28,
  /** Behind a length octet, `-` for none: the salt of NSEC3. */
  SALT: 29,
  /** Behind a length octet, in base32hex without padding: the next hashed owner of NSEC3. */
  BASE32HEX: 30,
  /** The digest of DS, whose length follows from the digest type. */
  DS_DIGEST: 31,
  /** The digest of ZONEMD, whose length follows from the hash algorithm. */
  ZONEMD_DIGEST: 32,
  /** Types, in windows (RFC 4034 §4.1.2). */
  TYPE_BITMAP: 33,
  /** Types below 128, in one bitmap (RFC 2535 §5.2). */
  NXT_BITMAP: 34,
  // Formats of their own, to the end of the RDATA.
  SVC_PARAMS: 35,
  LOCATION: 36,
  ADDRESS_PREFIXES: 37,
  IPSEC_GATEWAY: 38,
  AMT_RELAY: 39,
  SERVICES: 40,
  HOST_IDENTITY: 41,
  NSAP: 42,
  ATM_ADDRESS: 43,
  /** The prefix length of A6, and the part of the address behind the prefix. */
  ADDRESS_SUFFIX: 44,
  /** The name of A6's prefix, unless its length is 0; lower case in canonical form. */
  PREFIX_NAME: 45,
} as const;

export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** Octets of the longest RDATA: RDLENGTH has 16 bits (RFC 1035 §3.2.1). */
export const MAX_RDATA = 65_535;

/** One field of a type's RDATA. */
export interface Field {
  readonly kind: FieldKind;
  /** Its name in the RFC; used in messages. */
  readonly name: string;
}

/** Octets of the kinds of fixed size; other kinds have no entry. */
export const FIXED_SIZE: Readonly<Partial<Record<FieldKind, number>>> = {
  [FieldKind.U8]: 1,
  [FieldKind.U16]: 2,
  [FieldKind.U32]: 4,
  [FieldKind.U64]: 8,
  [FieldKind.PERIOD]: 4,
  [FieldKind.TIME]: 4,
  [FieldKind.TYPE]: 2,
  [FieldKind.ALGORITHM]: 1,
  [FieldKind.DIGEST_TYPE]: 1,
  [FieldKind.CERTIFICATE_TYPE]: 2,
  [FieldKind.SCHEME]: 1,
  [FieldKind.IPV4]: 4,
  [FieldKind.IPV6]: 16,
  [FieldKind.EUI48]: 6,
  [FieldKind.EUI64]: 8,
  [FieldKind.LOCATOR64]: 8,
};

/** Whether a field is one domain name. */
export function isName(kind: FieldKind): boolean {
  return kind >= FieldKind.COMPRESSED_NAME && kind <= FieldKind.NAME;
}

/** Whether names of this kind are decompressed when read from a message (RFC 3597 §4). */
export function isDecompressed(kind: FieldKind): boolean {
  return kind === FieldKind.COMPRESSED_NAME || kind === FieldKind.DECOMPRESSED_NAME;
}

/** Whether names of this kind are lower case in canonical form (RFC 4034 §6.2, RFC 6840 §5.1). */
export function isLowered(kind: FieldKind): boolean {
  return (kind >= FieldKind.COMPRESSED_NAME && kind <= FieldKind.LOWERED_NAME) || kind === FieldKind.PREFIX_NAME;
}

/** Makes a function for rows of the table, which makes fields of one kind: `u16('preference')`. */
export function fieldOf(kind: FieldKind): (name: string) => Field {
  return (name) => ({ kind, name });
}
