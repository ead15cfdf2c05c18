/** Finds the zone of this server in which a name lies. */

/** The closest zone that encloses a name, as zoneKey() writes it; undefined: there is none. A delegation in it may lead elsewhere. */
export function placeOfName<T>(name: string, zones: { get(zone: string): T | undefined }): T | undefined {
  for (const zone of enclosers(name)) {
    const found = zones.get(zone);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The name and those above it, as zoneKey() writes them. */
function* enclosers(name: string): Iterable<string> {
  for (let rest = name; rest !== ''; rest = rest.replace(/^(?:\\.|[^.\\])*\.?/, '')) yield rest;
  yield '.';
}
