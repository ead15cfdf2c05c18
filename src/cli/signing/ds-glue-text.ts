/** `adotd keys --ds-glue`: DS records for the parents of zones, which tell resolvers of the zones' nameservers (draft-schwartz-ds-glue). */
import { dsGlueRdata, type GlueNumbers, type SourceRecord } from '../../dnssec/ds-glue.js';
import { Type } from '../../protocol/iana.js';
import { labelCount, nameFromText, nameToText, suffixAt } from '../../protocol/name.js';
import { rdataToText } from '../../protocol/rdata/print.js';
import { svcbOwner } from '../../tls/service-binding.js';
import { RECORD_TTL } from '../../tls/tlsa.js';
import { UsageError } from '../arguments.js';

/** A zone, and the names and addresses of its nameservers in its file. Names are in wire format. */
export interface GluedZone {
  readonly apex: Uint8Array;
  /** Absolute, in presentation format. */
  readonly nameservers: readonly string[];
  addressesOf(name: Uint8Array): Readonly<Record<'ipv4' | 'ipv6', readonly Uint8Array[]>>;
}

/** `ALGORITHM/DIGEST`, two numbers. Throws UsageError. */
export function glueNumbers(text: string): GlueNumbers {
  const [, algorithm = '', digest = ''] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? [];
  const [one, two] = [Number(algorithm), Number(digest)];
  if (algorithm === '' || one < 1 || one > 255 || two < 1 || two > 255)
    throw new UsageError(
      `adotd keys: --ds-glue: found ${text}, expected the numbers of an algorithm and a digest type, such as 251/251: IANA has assigned none`,
    );
  return { algorithm: one, digestType: two };
}

/** A line for each record; `bindingOf`: RDATA of the SVCB record of a nameserver. */
export function dsGlueLines(
  { apex, nameservers, addressesOf }: GluedZone,
  bindingOf: (nameserver: string) => Uint8Array,
  numbers: GlueNumbers,
): string[] {
  const sources = nameservers.flatMap((text): SourceRecord[] => {
    const name = nameFromText(text);
    const ns: SourceRecord = { owner: apex, type: Type.NS, rdata: name };
    if (suffixAt(name, 0, apex, labelCount(apex)) < 0) return [ns];
    const { ipv4, ipv6 } = addressesOf(name);
    return [
      ns,
      ...ipv4.map((rdata) => ({ owner: name, type: Type.A, rdata })),
      ...ipv6.map((rdata) => ({ owner: name, type: Type.AAAA, rdata })),
      { owner: nameFromText(svcbOwner(text)), type: Type.SVCB, rdata: bindingOf(text) },
    ];
  });
  const owner = nameToText(apex);
  return sources.map(
    (source) => `${owner} ${RECORD_TTL} IN DS ${rdataToText(Type.DS, dsGlueRdata(apex, source, numbers))}`,
  );
}
