/** Catalog zones for tests. */
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { type CatalogMember, readCatalogMembers } from '../../../src/transfer/catalog/catalog-members.js';

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
