/**
 * The functions of the OpenSSL inside of node that adotd calls: all of them, and nothing else of it. The node executable exports them.
 * Arguments that are not right corrupt memory, so only the modules beside this one call these functions, and no pointer leaves this folder.
 *
 * Prototypes are those of the manual pages of OpenSSL 3.0, and were compared with those of 3.5: node 20 contains 3.0, node 22, 24 and
 * 26 contain 3.5. Within one major version OpenSSL changes no prototype.
 */
import { messageOf } from '../../errors.js';
import { native } from '../../native/koffi.js';

/** Kinds of arguments and results, by koffi's names. */
const KINDS = {
  /** A pointer as an integer; 0 is NULL. */
  address: 'uintptr_t',
  /** A pointer to a function of ours, as koffi.register() returns it. */
  callback: 'void *',
  int: 'int',
  uint: 'uint32_t',
  long: 'long',
  /** The code of an error. */
  code: 'unsigned long',
  size: 'size_t',
  options: 'uint64_t',
  /** As an argument it is valid during the call only; as a result it is copied, and null for NULL. */
  text: 'const char *',
  nothing: 'void',
} as const;

type Kind = keyof typeof KINDS;
type Row = readonly [result: Kind, parameters: readonly Kind[], page: string];

/** By name: result, arguments, manual page. */
const FUNCTIONS = {
  // Which library this is.
  OpenSSL_version: ['text', ['int'], 'OpenSSL_version(3)'],

  // Contexts: settings that connections have in common.
  TLS_server_method: ['address', [], 'TLS_server_method(3)'],
  SSL_CTX_new: ['address', ['address'], 'SSL_CTX_new(3)'],
  SSL_CTX_free: ['nothing', ['address'], 'SSL_CTX_free(3)'],
  SSL_CTX_ctrl: ['long', ['address', 'int', 'long', 'address'], 'SSL_CTX_ctrl(3)'],
  SSL_CTX_callback_ctrl: ['long', ['address', 'int', 'callback'], 'SSL_CTX_set_tlsext_servername_callback(3)'],
  SSL_CTX_set_options: ['options', ['address', 'options'], 'SSL_CTX_set_options(3)'],
  SSL_CTX_set_security_level: ['nothing', ['address', 'int'], 'SSL_CTX_set_security_level(3)'],
  SSL_CTX_set_cipher_list: ['int', ['address', 'text'], 'SSL_CTX_set_cipher_list(3)'],
  SSL_CTX_set_ciphersuites: ['int', ['address', 'text'], 'SSL_CTX_set_ciphersuites(3)'],
  SSL_CTX_set_session_id_context: ['int', ['address', 'text', 'uint'], 'SSL_CTX_set_session_id_context(3)'],
  SSL_CTX_set_num_tickets: ['int', ['address', 'size'], 'SSL_CTX_set_num_tickets(3)'],
  SSL_CTX_set_timeout: ['long', ['address', 'long'], 'SSL_CTX_set_timeout(3)'],
  SSL_CTX_set_alpn_select_cb: ['nothing', ['address', 'callback', 'address'], 'SSL_CTX_set_alpn_select_cb(3)'],
  SSL_CTX_set_tlsext_ticket_key_evp_cb: ['int', ['address', 'callback'], 'SSL_CTX_set_tlsext_ticket_key_evp_cb(3)'],
  SSL_CTX_use_certificate: ['int', ['address', 'address'], 'SSL_CTX_use_certificate(3)'],
  SSL_CTX_use_PrivateKey: ['int', ['address', 'address'], 'SSL_CTX_use_PrivateKey(3)'],
  SSL_CTX_check_private_key: ['int', ['address'], 'SSL_CTX_check_private_key(3)'],

  // Certificates and keys. The second argument is the address of an address, which is advanced.
  d2i_X509: ['address', ['address', 'address', 'long'], 'd2i_X509(3)'],
  X509_free: ['nothing', ['address'], 'X509_free(3)'],
  d2i_AutoPrivateKey: ['address', ['address', 'address', 'long'], 'd2i_AutoPrivateKey(3)'],
  EVP_PKEY_free: ['nothing', ['address'], 'EVP_PKEY_free(3)'],

  // Connections.
  SSL_new: ['address', ['address'], 'SSL_new(3)'],
  SSL_free: ['nothing', ['address'], 'SSL_free(3)'],
  SSL_set_bio: ['nothing', ['address', 'address', 'address'], 'SSL_set_bio(3)'],
  SSL_set_accept_state: ['nothing', ['address'], 'SSL_set_accept_state(3)'],
  SSL_do_handshake: ['int', ['address'], 'SSL_do_handshake(3)'],
  SSL_read: ['int', ['address', 'address', 'int'], 'SSL_read(3)'],
  SSL_write: ['int', ['address', 'address', 'int'], 'SSL_write(3)'],
  SSL_shutdown: ['int', ['address'], 'SSL_shutdown(3)'],
  SSL_get_error: ['int', ['address', 'int'], 'SSL_get_error(3)'],
  SSL_has_pending: ['int', ['address'], 'SSL_has_pending(3)'],
  SSL_version: ['int', ['address'], 'SSL_version(3)'],
  SSL_get_current_cipher: ['address', ['address'], 'SSL_get_current_cipher(3)'],
  SSL_CIPHER_get_name: ['text', ['address'], 'SSL_CIPHER_get_name(3)'],
  SSL_get0_alpn_selected: ['nothing', ['address', 'address', 'address'], 'SSL_get0_alpn_selected(3)'],
  SSL_ctrl: ['long', ['address', 'int', 'long', 'address'], 'SSL_get_negotiated_group(3)'],
  SSL_session_reused: ['int', ['address'], 'SSL_session_reused(3)'],
  SSL_get_servername: ['text', ['address', 'int'], 'SSL_get_servername(3)'],
  SSL_set_SSL_CTX: ['address', ['address', 'address'], 'SSL_set_SSL_CTX(3)'],
  SSL_select_next_proto: [
    'int',
    ['address', 'address', 'address', 'uint', 'address', 'uint'],
    'SSL_select_next_proto(3)',
  ],

  // Octets on their way, in memory.
  BIO_s_mem: ['address', [], 'BIO_s_mem(3)'],
  BIO_new: ['address', ['address'], 'BIO_new(3)'],
  BIO_up_ref: ['int', ['address'], 'BIO_up_ref(3)'],
  BIO_free: ['int', ['address'], 'BIO_free(3)'],
  BIO_write: ['int', ['address', 'address', 'int'], 'BIO_write(3)'],
  BIO_read: ['int', ['address', 'address', 'int'], 'BIO_read(3)'],
  BIO_ctrl: ['long', ['address', 'int', 'long', 'address'], 'BIO_ctrl(3)'],

  // Sealing and opening of session tickets.
  RAND_bytes: ['int', ['address', 'int'], 'RAND_bytes(3)'],
  EVP_aes_128_cbc: ['address', [], 'EVP_aes_128_cbc(3)'],
  EVP_EncryptInit_ex: ['int', ['address', 'address', 'address', 'address', 'address'], 'EVP_EncryptInit_ex(3)'],
  EVP_DecryptInit_ex: ['int', ['address', 'address', 'address', 'address', 'address'], 'EVP_DecryptInit_ex(3)'],
  EVP_MAC_CTX_set_params: ['int', ['address', 'address'], 'EVP_MAC_CTX_set_params(3)'],
  CRYPTO_memcmp: ['int', ['address', 'address', 'size'], 'CRYPTO_memcmp(3)'],
  /** Of the C library: OpenSSL has none. */
  memcpy: ['address', ['address', 'address', 'size'], 'memcpy(3)'],

  // Errors. They stand in a queue that all code of the thread shares, node:crypto too.
  ERR_clear_error: ['nothing', [], 'ERR_clear_error(3)'],
  ERR_peek_error: ['code', [], 'ERR_peek_error(3)'],
  ERR_reason_error_string: ['text', ['code'], 'ERR_reason_error_string(3)'],
} as const satisfies Readonly<Record<string, Row>>;

interface Values {
  address: number;
  callback: bigint;
  int: number;
  uint: number;
  long: number;
  code: number;
  size: number;
  options: number;
  text: string;
  nothing: undefined;
}
type Result<K extends Kind> = K extends 'text' ? string | null : Values[K];
type Call<R> = R extends readonly [infer K extends Kind, infer P extends readonly Kind[], string]
  ? (...given: { -readonly [I in keyof P]: Values[P[I]] }) => Result<K>
  : never;

/** The functions, by OpenSSL's names. */
export type OpenSsl = { readonly [Name in keyof typeof FUNCTIONS]: Call<(typeof FUNCTIONS)[Name]> };

let found: OpenSsl | string | undefined;

/** The functions, or why they are not available here. */
export function openSsl(): OpenSsl | string {
  found ??= load();
  return found;
}

function load(): OpenSsl | string {
  const libraries = native();
  if (typeof libraries === 'string') return libraries;
  const kindsOf = (kinds: readonly Kind[]): string[] => kinds.map((kind) => KINDS[kind]);
  const bind = <Name extends keyof OpenSsl>(name: Name): OpenSsl[Name] => {
    const [result, parameters] = FUNCTIONS[name];
    return libraries.own.func(name, KINDS[result], kindsOf(parameters)) as OpenSsl[Name];
  };
  try {
    const names = Object.keys(FUNCTIONS) as (keyof OpenSsl)[];
    return Object.fromEntries(names.map((name) => [name, bind(name)])) as OpenSsl;
  } catch (error) {
    return `this build of node does not export all functions of OpenSSL that are needed: ${messageOf(error)}`;
  }
}
