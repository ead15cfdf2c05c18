/** The DNSKEY, CDS and CDNSKEY records at the apex of a zone, as a view of it has them. */
import { type ApexKeys, eachList, KEY_TYPES } from '../../dnssec/signing/apex-keys.js';
import type { ZoneView } from '../changes/zone-view.js';

const TYPES = new Map<string, number>(KEY_TYPES);

export function keysOfView(view: Pick<ZoneView, 'apex' | 'rrset'>): ApexKeys {
  return eachList((list) => view.rrset(view.apex, TYPES.get(list)!).map(({ rdata }) => rdata));
}
