/** The facts about a zone that a NOTIFY needs: its SOA record, and its nameservers. */
import { ImageRecords } from '../../image/changes/image-records.js';
import { Class, Type } from '../../protocol/iana.js';
import { nameKey, nameLength } from '../../protocol/name.js';
import { writeU16, writeU32 } from '../../protocol/octets.js';

interface NotifyFacts {
  /** The zone's name in wire format. */
  readonly apex: Uint8Array;
  /** The SOA record in wire format, uncompressed. */
  readonly soa: Uint8Array;
  /** The names of its nameservers without MNAME (RFC 1996 §3.5), as nameKey() writes them. */
  readonly nameservers: readonly string[];
}

/** Reads the apex of an image. */
export function notifyFacts(image: Uint8Array): NotifyFacts {
  const zone = new ImageRecords(image, false);
  zone.next();
  const { apex, records } = zone;
  let soa = new Uint8Array(0);
  let primary = '';
  const names: string[] = [];
  for (let i = 0; i < records.count; i++) {
    const rdata = records.rdata(i).slice(records.at[i]!, records.at[i]! + records.length[i]!);
    if (records.type[i] === Type.NS) names.push(nameKey(rdata));
    if (records.type[i] !== Type.SOA) continue;
    primary = nameKey(rdata.subarray(0, nameLength(rdata)));
    soa = new Uint8Array(apex.length + 10 + rdata.length);
    soa.set(apex);
    writeU16(soa, apex.length, Type.SOA);
    writeU16(soa, apex.length + 2, Class.IN);
    writeU32(soa, apex.length + 4, records.ttl[i]!);
    writeU16(soa, apex.length + 8, rdata.length);
    soa.set(rdata, apex.length + 10);
  }
  return { apex, soa, nameservers: names.filter((name) => name !== primary) };
}
