/** A generated zone before signing, and its text. */

import { typeName } from '../support/rdata.js';
import { type Name, nameToText } from './names.js';

interface RRset {
  readonly ttl: number;
  readonly rdata: string[];
}

export interface Node {
  readonly name: Name;
  readonly rrsets: Map<number, RRset>;
}

/** A zone before signing. */
export interface ZoneData {
  readonly origin: Name;
  /** By nameKey. */
  readonly nodes: Map<string, Node>;
  /** Names of nodes whose RRsets may exceed a datagram. */
  readonly large: Name[];
}

/** The zone as a master file (RFC 1035 §5), its SOA record first; `extra` are further lines. */
export function zoneToText(zone: ZoneData, extra: readonly string[] = []): string {
  const lines: string[] = [];
  for (const { name, rrsets } of zone.nodes.values()) {
    for (const [type, { ttl, rdata }] of rrsets) {
      for (const data of rdata) lines.push(`${nameToText(name)} ${ttl} IN ${typeName(type)} ${data}`);
    }
  }
  return `${[...lines, ...extra].join('\n')}\n`;
}
