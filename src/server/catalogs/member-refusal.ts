/** The zones that no catalog may bring: our own, and names in our zones. */
import { ImageView } from '../../image/changes/zone-view.js';
import { Type } from '../../protocol/iana.js';
import { nameFromText, nameKey } from '../../protocol/name.js';
import type { ZoneKeeper } from '../zones/zone-keeper.js';

type Zones = Pick<ZoneKeeper, 'get'>;

/** Whether a zone comes from a file, or is a catalog. */
export function isOwnZone(keeper: Zones, zone: string): boolean {
  const role = keeper.get(zone)?.role;
  return role !== undefined && role !== 'secondary';
}

/**
 * Why a zone may not become a member: it lies in a zone of ours that does not delegate it. Its catalog could answer for names of that
 * zone otherwise. undefined: it may.
 */
export function memberRefusal(keeper: Zones, zone: string, isMember: (zone: string) => boolean): string | undefined {
  const names = namesAbove(nameFromText(zone));
  const above = names.findIndex((name) => keeper.get(nameKey(name)) !== undefined && !isMember(nameKey(name)));
  const parent = names[above];
  if (parent === undefined) return undefined;
  const kept = keeper.get(nameKey(parent));
  const view = kept?.image && new ImageView(kept.image);
  const between = [nameFromText(zone), ...names.slice(0, above)];
  if (view !== undefined && between.some((name) => view.types(name).includes(Type.NS))) return undefined;
  return `it lies in ${nameKey(parent)}, which does not delegate it`;
}

/** The names above a name, the root last. */
function namesAbove(name: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let at = 0; name[at] !== 0; ) {
    at += name[at]! + 1;
    names.push(name.subarray(at));
  }
  return names;
}
