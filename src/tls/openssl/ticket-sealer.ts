/**
 * Session tickets (RFC 5077 §4, RFC 8446 §4.6.1), sealed as node seals them, so that sessions of either path resume on the other:
 * AES-128-CBC and HMAC-SHA-256, with a key of 48 octets: its name, a key for the MAC and one for the cipher, 16 each. That holds for node
 * 20. Node 24.22 takes only sessions that have a hash in place of the context's name: there the other path makes a full handshake.
 */
import { addressOf } from '../../native/memory.js';
import { TICKET_KEY_OCTETS } from '../ticket-keys.js';
import type { OpenSsl } from './functions.js';
import { Param, TLS1_3_VERSION } from './numbers.js';

const PART = 16;
const NAME = 0;
const MAC_KEY = PART;
const CIPHER_KEY = 2 * PART;

/** Where a key lies, with the parameters of its MAC behind it: the key, the digest, and an end. */
const PARAMETERS = TICKET_KEY_OCTETS;
const KEY_ROOM = 256;
/** The current and the previous key, then texts. */
const KEYS = 2;
const TEXTS = KEYS * KEY_ROOM;

/** Results of the callback for tickets: SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
const Ticket = { FAILED: -1, UNKNOWN: 0, GOOD: 1, GOOD_AND_RENEW: 2 } as const;

/** Seals and opens tickets. Arguments are addresses that OpenSSL gives; results are those of its callback. */
export interface TicketSealer {
  /** Takes other keys. A ticket of the previous one is still accepted, and is replaced. */
  setKeys(current: Uint8Array, previous: Uint8Array | undefined): void;
  seal(name: number, iv: number, cipher: number, mac: number): number;
  open(connection: number, name: number, iv: number, cipher: number, mac: number): number;
}

export function createTicketSealer(openSsl: OpenSsl): TicketSealer {
  const memory = new Uint8Array(new SharedArrayBuffer(TEXTS + PART * 4));
  const sealer: TicketSealer = {
    setKeys(current, previous) {
      memory.set(current, 0);
      memory.fill(0, KEY_ROOM, KEY_ROOM + TICKET_KEY_OCTETS);
      if (previous !== undefined) memory.set(previous, KEY_ROOM);
      keys = previous === undefined ? 1 : KEYS;
    },
    seal(name, iv, cipher, mac) {
      openSsl.memcpy(name, base + NAME, PART);
      const sealed =
        openSsl.RAND_bytes(iv, PART) === 1 &&
        openSsl.EVP_EncryptInit_ex(cipher, aes, 0, base + CIPHER_KEY, iv) === 1 &&
        openSsl.EVP_MAC_CTX_set_params(mac, base + PARAMETERS) === 1;
      return sealed ? Ticket.GOOD : Ticket.FAILED;
    },
    open(connection, name, iv, cipher, mac) {
      for (let number = 0; number < keys; number++) {
        const key = base + number * KEY_ROOM;
        if (openSsl.CRYPTO_memcmp(name, key + NAME, PART) !== 0) continue;
        const opened =
          openSsl.EVP_MAC_CTX_set_params(mac, key + PARAMETERS) === 1 &&
          openSsl.EVP_DecryptInit_ex(cipher, aes, 0, key + CIPHER_KEY, iv) === 1;
        if (!opened) return Ticket.FAILED;
        // A client of TLS 1.3 uses each ticket once (RFC 8446 §C.4), so it needs another one; of TLS 1.2, while the key is accepted.
        const renew = number > 0 || openSsl.SSL_version(connection) === TLS1_3_VERSION;
        return renew ? Ticket.GOOD_AND_RENEW : Ticket.GOOD;
      }
      return Ticket.UNKNOWN;
    },
  };
  const base = addressOf(memory, sealer);
  const aes = openSsl.EVP_aes_128_cbc();
  let keys = 0;
  for (let number = 0; number < KEYS; number++) putParameters(memory, base, number * KEY_ROOM);
  return sealer;
}

/** The parameters of EVP_MAC-HMAC(7) for the key at `at`. */
function putParameters(memory: Uint8Array, base: number, at: number): void {
  const view = new DataView(memory.buffer);
  const text = (where: number, value: string): number => {
    memory.set(Buffer.from(`${value}\0`, 'latin1'), TEXTS + where);
    return base + TEXTS + where;
  };
  const put = (index: number, key: number, kind: number, data: number, size: number): void => {
    const param = at + PARAMETERS + index * Param.OCTETS;
    view.setBigUint64(param + Param.KEY, BigInt(key), true);
    view.setUint32(param + Param.KIND, kind, true);
    view.setBigUint64(param + Param.DATA, BigInt(data), true);
    view.setBigUint64(param + Param.SIZE, BigInt(size), true);
  };
  const digest = 'SHA256';
  put(0, text(0, 'key'), Param.OCTET_STRING, base + at + MAC_KEY, PART);
  put(1, text(PART, 'digest'), Param.UTF8_STRING, text(2 * PART, digest), digest.length);
  // The third, all zeros, is the end.
}
