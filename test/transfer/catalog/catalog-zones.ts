/** Catalog zones for tests. */
import type { Changes } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { rdataToText } from '../../../src/protocol/rdata/print.js';
import { typeToText } from '../../../src/protocol/rdata/table.js';
import { type CatalogMember, readCatalogMembers } from '../../../src/transfer/catalog/catalog-members.js';
import { RunCursor } from '../../../src/zone/changes/record-run.js';

/** The image of the catalog zone `apex` with these lines of a zone file besides SOA and NS records. */
export function catalogImage(lines: readonly string[], apex = 'catalog.example.'): Uint8Array {
  const text = `$ORIGIN ${apex}\n$TTL 0\n@ SOA invalid. invalid. 1 3600 600 86400 0\n@ NS invalid.\n${lines.join('\n')}\n`;
  const { image, diagnostics } = load(
    { file: 'catalog', bytes: Buffer.from(text), origin: nameFromText(apex) },
    { now: 1_780_000_000 },
  );
  if (image === undefined) throw new Error(diagnostics.list.map(({ message }) => message).join('\n'));
  return image;
}

export const VERSION = 'version TXT 2';

/** Members by zone, from words such as `a.example. label group:one coo:other.example.`. */
export const membersOf = (...lines: readonly string[]): Map<string, CatalogMember> => membersFrom(lines);

export function membersFrom(lines: readonly string[]): Map<string, CatalogMember> {
  return new Map(
    lines.map((line) => {
      const [zone = '', label = '', ...properties] = line.split(' ');
      const values = (name: string): string[] =>
        properties.filter((text) => text.startsWith(`${name}:`)).map((text) => text.slice(name.length + 1));
      return [zone, { zone, label, groups: values('group').sort(), coo: values('coo')[0] }];
    }),
  );
}

/** The members of an image that is not broken. */
export function soundMembers(image: Uint8Array): ReadonlyMap<string, CatalogMember> {
  const { members, fault } = readCatalogMembers(image);
  if (members === undefined) throw new Error(fault);
  return members;
}

/** The records that changes remove and add, a line each. */
export function changeLines(changes: Changes | undefined): { readonly removed: string[]; readonly added: string[] } {
  return { removed: runLines(changes?.removed), added: runLines(changes?.added) };
}

function runLines(run: Uint8Array = new Uint8Array()): string[] {
  const found: string[] = [];
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    const { octets, at, type, rdataAt, rdataLength } = cursor;
    const rdata = rdataToText(type, octets.slice(rdataAt, rdataAt + rdataLength));
    found.push(`${nameToText(octets, at)} ${typeToText(type)} ${rdata}`);
  }
  return found;
}
