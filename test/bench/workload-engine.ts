/** The workload for measurements within one process: its zone as respond() reads it, its queries as they are sent. */
import { type Catalog, Publisher } from '../../src/image/catalog.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { buildQuery } from '../support/message.js';
import { queries, ZONE, zoneText } from './workload.js';

export interface LoadedZone {
  readonly apex: Uint8Array;
  readonly image: Uint8Array;
}

/** Loads the zone from its text. Throws its mistakes. */
export function loadZone(text: string): LoadedZone {
  const source = { file: 'bench', bytes: Buffer.from(text, 'latin1'), origin: nameFromText(`${ZONE}.`) };
  const { apex, image, diagnostics } = load(source, { now: Date.now() / 1000 });
  if (apex === undefined || image === undefined) throw new Error(diagnostics.list.map(formatDiagnostic).join('\n'));
  return { apex, image };
}

/** A catalog with this zone alone. */
export function catalogOf({ apex, image }: LoadedZone): Catalog {
  const publisher = new Publisher();
  publisher.put(apex, image);
  return publisher.publish();
}

export function workloadCatalog(names: number, delegations: number): Catalog {
  return catalogOf(loadZone(zoneText(names, delegations)));
}

/** `count` queries of the whole mix, with EDNS. */
export function requests(count: number, random: () => number, names: number, delegations: number): Uint8Array[] {
  return queries(count, random, names, delegations).map(([name, type]) =>
    buildQuery({ name: `${name}.`, type, edns: {} }),
  );
}
