/**
 * The certificates that are served, with their keys, in a file of the state folder that only the server's user may read: their original
 * files may have other certificates by now, which are not to be served yet.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { codeOf, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { systemError, writeFileDurably } from '../../state/folder.js';
import { type Certificate, describeCertificate } from '../../tls/certificates.js';

/** Below the folder of the state. */
const PLACE = ['tls', 'served.json'];

const storedPairs = z.array(z.object({ certFile: z.string(), keyFile: z.string(), cert: z.string(), key: z.string() }));

export class ServedPairs {
  readonly #path: string;
  readonly #log: Log;

  /** `state`: the folder of the state. */
  constructor(state: string, log: Log) {
    this.#path = join(state, ...PLACE);
    this.#log = log;
  }

  /** The certificates that were served last; none if there is no file, or if it cannot be read, with an error in the log. */
  read(): Certificate[] {
    try {
      const pairs = storedPairs.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return pairs.map(({ certFile, keyFile, cert, key }) => {
        const [leaf, ...issuers] = cert
          .split(/(?<=-----END CERTIFICATE-----)\s*/)
          .filter((text) => text !== '')
          .map((text) => new X509Certificate(text));
        if (leaf === undefined) throw new Error('found a pair without certificate');
        return describeCertificate({ certFile, keyFile }, [leaf, ...issuers], createPrivateKey(key));
      });
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        this.#log.error(
          { err: error },
          `the certificates that were served cannot be read: ${this.#path}: ${messageOf(error)}`,
        );
      return [];
    }
  }

  /** Fulfilled when they are on disk. Rejects with ADOTD_STATE. */
  async write(certificates: readonly Certificate[]): Promise<void> {
    const folder = dirname(this.#path);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw systemError(folder, error);
    }
    const pairs = certificates.map(({ certFile, keyFile, cert, key }) => ({ certFile, keyFile, cert, key }));
    await writeFileDurably(this.#path, [Buffer.from(JSON.stringify(pairs))]);
  }
}
