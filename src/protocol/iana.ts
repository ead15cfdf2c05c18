/**
 * Numbers of the IANA "Domain Name System (DNS) Parameters" registries that our code uses by name, checked against those of 2026-10-04.
 * They are open: unknown values pass through.
 */

/** The port of DNS over TLS (RFC 7858 §3.1). */
export const DOT_PORT = 853;

/** Resource record types that code refers to by name; the RDATA table has all types (rdata/rows.ts). */
export const Type = {
  A: 1, // RFC 1035
  NS: 2, // RFC 1035
  MD: 3, // RFC 1035
  MF: 4, // RFC 1035
  CNAME: 5, // RFC 1035
  SOA: 6, // RFC 1035
  MB: 7, // RFC 1035
  MG: 8, // RFC 1035
  MR: 9, // RFC 1035
  NULL: 10, // RFC 1035
  PTR: 12, // RFC 1035
  MINFO: 14, // RFC 1035
  MX: 15, // RFC 1035
  TXT: 16, // RFC 1035
  RP: 17, // RFC 1183
  SIG: 24, // RFC 2535
  KEY: 25, // RFC 2535
  AAAA: 28, // RFC 3596
  NXT: 30, // RFC 2535
  SRV: 33, // RFC 2782
  DNAME: 39, // RFC 6672
  OPT: 41, // RFC 6891
  DS: 43, // RFC 4034
  RRSIG: 46, // RFC 4034
  NSEC: 47, // RFC 4034
  DNSKEY: 48, // RFC 4034
  NSEC3: 50, // RFC 5155
  NSEC3PARAM: 51, // RFC 5155
  TLSA: 52, // RFC 6698
  CDS: 59, // RFC 7344
  CDNSKEY: 60, // RFC 7344
  ZONEMD: 63, // RFC 8976
  SVCB: 64, // RFC 9460
  HTTPS: 65, // RFC 9460
  DSYNC: 66, // RFC 9859
  NXNAME: 128, // RFC 9824
  TKEY: 249, // RFC 2930
  TSIG: 250, // RFC 8945
  IXFR: 251, // RFC 1995
  AXFR: 252, // RFC 5936
  MAILB: 253, // RFC 1035
  MAILA: 254, // RFC 1035
  ANY: 255, // RFC 1035
} as const;

/** DNS classes. */
export const Class = {
  IN: 1, // RFC 1035
  CH: 3, // RFC 1035
  HS: 4, // RFC 1035
  NONE: 254, // RFC 2136
  ANY: 255, // RFC 1035
} as const;

/** Opcodes of the header. */
export const Opcode = {
  QUERY: 0, // RFC 1035
  IQUERY: 1, // RFC 3425 (obsolete)
  STATUS: 2, // RFC 1035
  NOTIFY: 4, // RFC 1996
  UPDATE: 5, // RFC 2136
  DSO: 6, // RFC 8490
} as const;

/** Response codes; those above 15 need the OPT record's upper eight bits. */
export const Rcode = {
  NOERROR: 0, // RFC 1035
  FORMERR: 1, // RFC 1035
  SERVFAIL: 2, // RFC 1035
  NXDOMAIN: 3, // RFC 1035
  NOTIMP: 4, // RFC 1035
  REFUSED: 5, // RFC 1035
  YXDOMAIN: 6, // RFC 2136, RFC 6672
  YXRRSET: 7, // RFC 2136
  NXRRSET: 8, // RFC 2136
  NOTAUTH: 9, // RFC 2136, RFC 8945
  NOTZONE: 10, // RFC 2136
  BADVERS: 16, // RFC 6891
  BADCOOKIE: 23, // RFC 7873
} as const;

/** EDNS option codes. */
export const EdnsOption = {
  NSID: 3, // RFC 5001
  EXPIRE: 9, // RFC 7314
  COOKIE: 10, // RFC 7873
  TCP_KEEPALIVE: 11, // RFC 7828
  PADDING: 12, // RFC 7830
  EDE: 15, // RFC 8914
  REPORT_CHANNEL: 18, // RFC 9567
  ZONEVERSION: 19, // RFC 9660
} as const;

/** Extended DNS Error codes (RFC 8914). */
export const Ede = {
  OTHER: 0, // RFC 8914
  NOT_READY: 14, // RFC 8914
  PROHIBITED: 18, // RFC 8914
  NOT_AUTHORITATIVE: 20, // RFC 8914
  NOT_SUPPORTED: 21, // RFC 8914
  INVALID_DATA: 24, // RFC 8914
  INVALID_QUERY_TYPE: 30, // RFC 9824 §3.5
} as const;
