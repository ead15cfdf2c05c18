/** Chooses a client's certificate by the server name it sends (SNI, RFC 6066 §3), and nothing else by it (RFC 9539 §3.3). */
import { isAddress } from './alternative-names.js';

/** Finds the value for a server name: exactly, then by a wildcard of the leftmost label (RFC 6125 §6.4.3). */
export class ServerNames<T> {
  readonly #values = new Map<string, T>();

  /** `names`: DNS names and addresses in lower case; when two values share a name, the first one keeps it. */
  add(names: readonly string[], value: T): void {
    // SNI has no addresses (RFC 6066 §3).
    for (const name of names) if (!isAddress(name) && !this.#values.has(name)) this.#values.set(name, value);
  }

  /** Ignores letter case and a final dot. */
  find(serverName: string): T | undefined {
    const name = serverName.toLowerCase().replace(/\.$/, '');
    const dot = name.indexOf('.');
    return this.#values.get(name) ?? (dot > 0 ? this.#values.get(`*${name.slice(dot)}`) : undefined);
  }
}
