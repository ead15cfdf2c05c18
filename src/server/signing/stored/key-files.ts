/**
 * Private keys as files in the state folder: PEM of PKCS#8, which only the server's user may read. A file is written once and never
 * changed; its name is the id of the key, which no other key ever has.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { keyFromPem, keyToPem, type SigningKey } from '../../../dnssec/keys/signing-key.js';
import { algorithmOf } from '../../../dnssec/keys.js';
import { AdotdError, codeOf, ErrorCode, systemReason } from '../../../errors.js';
import { makeFolder, syncFolder, systemError, writeFileDurably } from '../../../state/folder.js';
import type { Identity } from '../../process/privileges.js';

/** The folder within that of the state. */
const KEYS = 'keys';
const ID_OCTETS = 12;

/** The facts that the state has of a key whose file is wanted. */
interface KnownKey {
  readonly id: string;
  /** RDATA of its DNSKEY record. */
  readonly dnskey: Uint8Array;
}

/** A new id. It is random, so that no other server, and no older copy of the state, has given it to another key. */
export function newKeyId(): string {
  return randomBytes(ID_OCTETS).toString('hex');
}

/** Whether a text may be the id of a key, and so the name of its file. */
export function isKeyId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

export class KeyFiles {
  readonly #folder: string;

  readonly #state: string;
  readonly #owner: Identity | undefined;

  /** `state`: the folder of the state, which is there. `owner`: the user that the server becomes, while it runs as root. */
  constructor(state: string, owner: Identity | undefined) {
    this.#state = state;
    this.#folder = join(state, KEYS);
    this.#owner = owner;
  }

  /** Makes the folder with the first key: a mistake in it concerns only zones that are signed here. Throws ADOTD_STATE. */
  #prepare(): void {
    const isNew = makeFolder(this.#folder);
    if (!isNew) return;
    try {
      const owner = this.#owner;
      if (owner !== undefined && process.geteuid?.() === 0) chownSync(this.#folder, owner.uid, owner.gid);
      syncFolder(this.#state);
    } catch (error) {
      throw systemError(this.#folder, error);
    }
  }

  /** Fulfilled when the file of a key is on disk. Rejects with ADOTD_STATE. */
  async write(id: string, key: SigningKey): Promise<void> {
    this.#prepare();
    await writeFileDurably(this.pathOf(id), [Buffer.from(keyToPem(key))]);
  }

  /** Reads a key of a zone. Throws ADOTD_DNSSEC_KEY when its file is missing, cannot be read, or has another key. */
  read({ id, dnskey }: KnownKey, zone: string): SigningKey {
    const path = this.pathOf(id);
    const fail = (reason: string, cause?: unknown): never => {
      const remedy = `restore the file from a backup, or give the key again with adotd ctl dnssec import ${zone}`;
      throw new AdotdError(ErrorCode.DNSSEC_KEY, `${path}: ${reason}; it is a key of ${zone}: ${remedy}`, { cause });
    };
    let pem: string | undefined;
    try {
      // Reading a pipe would wait for its writer.
      if (!statSync(path).isFIFO()) pem = readFileSync(path, 'utf8');
    } catch (error) {
      const owner = codeOf(error) === 'EACCES' ? ', expected a file that the user of the server may read' : '';
      return fail(`${systemReason(error)}${owner}`, error);
    }
    if (pem === undefined) return fail('expected a file, found a pipe');
    let key: SigningKey;
    try {
      key = keyFromPem(pem, algorithmOf(dnskey), ((dnskey[1] ?? 0) & 1) !== 0, path);
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      return fail(error.message.replace(`${path}: `, ''), error);
    }
    if (Buffer.compare(key.dnskey, dnskey) !== 0)
      return fail(`found another private key, expected that of the DNSKEY record with the tag that the state has`);
    return key;
  }

  /** Removes the file of a key that no zone has; it may be missing. */
  remove(id: string): void {
    rmSync(this.pathOf(id), { force: true });
  }

  pathOf(id: string): string {
    return join(this.#folder, `${id}.pem`);
  }
}
