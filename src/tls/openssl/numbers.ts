/**
 * Numbers of OpenSSL: macros have no symbol that could be looked up. Compared with the headers of OpenSSL 3.0 (in node 20) and 3.5 (in
 * node 22, 24 and 26), where they are equal; OpenSSL keeps them within one major version. Bits of SSL_OP_… come from node:crypto, which has
 * them from the headers of its own build.
 */

/** The major version that all of this holds for. */
export const OPENSSL_MAJOR = 3;

/** openssl/crypto.h: arguments of OpenSSL_version(). */
export const OPENSSL_VERSION = 0;

/** openssl/ssl.h: commands of SSL_CTX_ctrl() and SSL_CTX_callback_ctrl(), which the manual pages know by the macros that use them. */
export const SslCtrl = {
  /** SSL_CTX_set_mode */
  MODE: 33,
  /** SSL_CTX_set_session_cache_mode */
  SET_SESS_CACHE_MODE: 44,
  /** SSL_CTX_set_tlsext_servername_callback */
  SET_TLSEXT_SERVERNAME_CB: 53,
  /** SSL_CTX_add1_chain_cert, with 1 */
  CHAIN_CERT: 89,
  /** SSL_CTX_set1_groups_list */
  SET_GROUPS_LIST: 92,
  /** SSL_CTX_set_min_proto_version */
  SET_MIN_PROTO_VERSION: 123,
} as const;

/** openssl/ssl.h: the command of SSL_ctrl() that is SSL_get_negotiated_group. */
export const GET_NEGOTIATED_GROUP = 134;

/** openssl/obj_mac.h: the NIDs of groups, by IANA's names. */
const GROUP_NIDS: Readonly<Record<number, string>> = {
  415: 'secp256r1',
  715: 'secp384r1',
  716: 'secp521r1',
  1034: 'x25519',
  1035: 'x448',
};
/** openssl/tls1.h: a group that has no NID is told by its number in IANA's registry, with this bit, TLSEXT_nid_unknown. */
const NO_NID = 0x1000000;
const IANA_GROUPS: Readonly<Record<number, string>> = { 4588: 'X25519MLKEM768' };

/** The name of a group by the number that OpenSSL tells: `other` for one that is not listed here, `unknown` where there is none. */
export function groupName(told: number): string {
  if (told <= 0) return 'unknown';
  return ((told & NO_NID) !== 0 ? IANA_GROUPS[told ^ NO_NID] : GROUP_NIDS[told]) ?? 'other';
}

/** openssl/ssl.h: SSL_MODE_…. */
export const SslMode = {
  /** Sends the chain of the file, and completes it by nothing. */
  NO_AUTO_CHAIN: 0x8,
  /** An idle connection keeps no buffers: 9 KiB in place of 27 (measured). */
  RELEASE_BUFFERS: 0x10,
} as const;

/** openssl/ssl.h: SSL_SESS_CACHE_OFF. */
export const SSL_SESS_CACHE_OFF = 0;

/** openssl/prov_ssl.h. */
export const TLS1_2_VERSION = 0x0303;
export const TLS1_3_VERSION = 0x0304;

/** openssl/ssl.h: results of SSL_get_error(). */
export const SslError = { WANT_READ: 2, ZERO_RETURN: 6 } as const;

/** openssl/tls1.h: TLSEXT_NAMETYPE_host_name. */
export const HOST_NAME = 0;

/** openssl/tls1.h: results of callbacks for names and protocols, SSL_TLSEXT_ERR_…. */
export const Tlsext = { OK: 0, ALERT_FATAL: 2, NOACK: 3 } as const;

/** openssl/ssl.h: the result of SSL_select_next_proto() when it has found one, OPENSSL_NPN_NEGOTIATED. */
export const NPN_NEGOTIATED = 1;

/** openssl/bio.h: commands of BIO_ctrl(). */
export const BioCtrl = {
  /** BIO_reset */
  RESET: 1,
  /** BIO_pending */
  PENDING: 10,
  /** BIO_set_mem_eof_return */
  SET_BUF_MEM_EOF_RETURN: 130,
} as const;

/** openssl/core.h: OSSL_PARAM, and kinds of its data. In octets, of 64-bit machines. */
export const Param = {
  OCTETS: 40,
  KEY: 0,
  KIND: 8,
  DATA: 16,
  SIZE: 24,
  UTF8_STRING: 4,
  OCTET_STRING: 5,
} as const;

/** Octets of a pointer: adotd calls functions on 64-bit machines only. */
export const POINTER = 8;
