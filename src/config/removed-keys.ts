/** Keys of earlier versions. A file that still has one is used without it, so that an upgrade of the server does not stop it. */

/** The place of a removed key, and the behaviour of the server that replaces it. */
const REMOVED: readonly { readonly path: readonly string[]; readonly now: string }[] = [
  {
    path: ['sessions', 'max_per_listener'],
    now: 'sessions.max limits all connections, and sessions.max_per_client those of one client',
  },
  {
    path: ['starttls', 'record_per_message'],
    now: 'each message now has a TLS record of its own, on every TLS session',
  },
];

interface RemovedKey {
  readonly path: readonly string[];
  /** Names the key, its replacement, and the remedy. */
  readonly message: string;
}

/** Takes removed keys out of `value`, the content of a configuration file, and says which those were. */
export function takeRemoved(value: unknown): RemovedKey[] {
  const found: RemovedKey[] = [];
  for (const { path, now } of REMOVED) {
    const map = path.slice(0, -1).reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), value);
    const key = path.at(-1) ?? '';
    if (!isMap(map) || !Object.hasOwn(map, key)) continue;
    delete map[key];
    found.push({ path, message: `${path.join('.')}: ${removal(now)}` });
  }
  return found;
}

/** A text about the removed key at `path`; undefined when there never was such a key. */
export function removalOf(path: readonly PropertyKey[]): string | undefined {
  const removed = REMOVED.find(({ path: keys }) => keys.join('.') === path.join('.'));
  return removed && removal(removed.now);
}

function removal(now: string): string {
  return `found a key that was removed: ${now}; take the key out`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
