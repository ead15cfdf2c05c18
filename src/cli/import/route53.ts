/** The JSON of `aws route53 list-resource-record-sets` as lines of a zone file. Aliases and routing policies are Route 53's own. */
import * as z from 'zod/mini';
import { AdotdError, ErrorCode } from '../../errors.js';
import { absolute, type Notes, type SourceLine, type SourceText } from './source-lines.js';

const recordSet = z.object({
  Name: z.string(),
  Type: z.string(),
  TTL: z.optional(z.number()),
  ResourceRecords: z.optional(z.array(z.object({ Value: z.string() }))),
  AliasTarget: z.optional(z.object({ DNSName: z.string() })),
  SetIdentifier: z.optional(z.string()),
  Weight: z.optional(z.number()),
  MultiValueAnswer: z.optional(z.boolean()),
  Failover: z.optional(z.string()),
  Region: z.optional(z.string()),
  GeoLocation: z.optional(z.object({ CountryCode: z.optional(z.string()) })),
});
const listing = z.object({ ResourceRecordSets: z.array(recordSet), IsTruncated: z.optional(z.boolean()) });

type RecordSet = z.infer<typeof recordSet> & { readonly line: number };

/** Seconds that an alias is cached: Route 53 answers aliases of its own services with 60. */
const ALIAS_TTL = 60;

/** Throws ADOTD_ZONE_SYNTAX when the text is not such JSON. */
export function route53Lines(text: string, notes: Notes): SourceText {
  const sets = recordSetsOf(text, notes);
  const zone = sets.find(({ Type }) => Type === 'SOA')?.Name;
  const apex = zone === undefined ? undefined : absolute(zone);
  const lines: SourceLine[] = [];
  for (const group of groups(sets)) {
    const chosen = withoutPolicy(group, notes);
    for (const set of chosen) {
      const one = set.AliasTarget === undefined ? set : resolved(set, sets, apex, notes);
      if (one === undefined) continue;
      for (const { Value } of one.ResourceRecords ?? [])
        lines.push({
          text: `${nameText(one.Name)} ${one.TTL ?? ALIAS_TTL} IN ${one.Type} ${valueText(one, Value)}`,
          line: set.line,
        });
    }
  }
  return { lines: withoutRepeats(lines), zone: apex && nameText(apex), origin: 'Route 53' };
}

function recordSetsOf(text: string, notes: Notes): RecordSet[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AdotdError(ErrorCode.ZONE_SYNTAX, `the export begins as JSON does, but is not: ${String(error)}`, {
      cause: error,
    });
  }
  const parsed = listing.safeParse(Array.isArray(json) ? { ResourceRecordSets: json } : json);
  if (!parsed.success)
    throw new AdotdError(
      ErrorCode.ZONE_SYNTAX,
      'found JSON, expected that of `aws route53 list-resource-record-sets`: an object with ResourceRecordSets',
    );
  if (parsed.data.IsTruncated === true) notes.add(0, 'the listing is truncated: records are missing; list them all');
  const places = linesOfNames(text);
  return parsed.data.ResourceRecordSets.map((set, i) => ({ ...set, line: places[i] ?? 0 }));
}

/** The lines of the keys "Name", one for each set. */
function linesOfNames(text: string): number[] {
  return text.split('\n').flatMap((line, i) => Array<number>(line.match(/"Name"\s*:/g)?.length ?? 0).fill(i + 1));
}

/** The sets of one name and type together. */
function groups(sets: readonly RecordSet[]): RecordSet[][] {
  const byKey = new Map<string, RecordSet[]>();
  for (const set of sets) {
    const key = `${absolute(set.Name)} ${set.Type}`;
    byKey.set(key, [...(byKey.get(key) ?? []), set]);
  }
  return [...byKey.values()];
}

/** The sets to serve where a routing policy chose one of several for each client. */
function withoutPolicy(group: readonly RecordSet[], notes: Notes): readonly RecordSet[] {
  const [first] = group;
  if (first?.SetIdentifier === undefined) return group;
  const isShared = group.every(({ MultiValueAnswer, Weight }) => MultiValueAnswer === true || Weight !== undefined);
  const chosen =
    isShared && first.Type !== 'CNAME'
      ? group.filter(({ Weight }) => Weight !== 0)
      : [
          group.find(({ Failover }) => Failover === 'PRIMARY') ??
            group.find(({ GeoLocation }) => GeoLocation?.CountryCode === '*') ??
            first,
        ];
  for (const set of group) {
    const what = `found a routing policy (${set.SetIdentifier}), which only Route 53 has`;
    notes.add(set.line, chosen.includes(set) ? `${what}; taken for all clients` : `${what}; left out`);
  }
  return chosen;
}

/** An alias as records, if its target is known. */
function resolved(
  set: RecordSet,
  all: readonly RecordSet[],
  apex: string | undefined,
  notes: Notes,
): RecordSet | undefined {
  const target = absolute(set.AliasTarget?.DNSName ?? '');
  const known = all.find((other) => other !== set && absolute(other.Name) === target && other.Type === set.Type);
  if (known?.ResourceRecords !== undefined) {
    notes.add(
      set.line,
      `found an alias of ${target}; replaced by a copy of its RRset of type ${set.Type}, which does not follow changes`,
    );
    return { ...known, Name: set.Name };
  }
  const beside = all.filter((other) => absolute(other.Name) === absolute(set.Name));
  const isAlone = beside.every((other) => absolute(other.AliasTarget?.DNSName ?? '') === target);
  if (absolute(set.Name) === apex || !isAlone) {
    notes.add(
      set.line,
      `found an alias of ${target}; left out: write the target's addresses as an RRset of type ${set.Type}`,
    );
    return undefined;
  }
  notes.add(set.line, `found an alias of ${target}; replaced by CNAME`);
  return { ...set, Type: 'CNAME', TTL: ALIAS_TTL, ResourceRecords: [{ Value: target }] };
}

/** Route 53 writes octets as `\` and three octal digits, zone files with three decimal ones (RFC 1035 §5.1). */
function decimal(text: string): string {
  return text.replaceAll(
    /\\([0-3][0-7]{2})/g,
    (_, digits: string) => `\\${String(Number.parseInt(digits, 8)).padStart(3, '0')}`,
  );
}

/** A name with `*` and `@` as zone files have them. */
function nameText(name: string): string {
  return absolute(decimal(name)).replaceAll('\\042', '*');
}

function valueText({ Type }: RecordSet, value: string): string {
  return Type === 'TXT' || Type === 'SPF' || Type === 'CAA' ? decimal(value) : value.replaceAll('\\052', '*');
}

/** Both aliases of a name, for A and AAAA, become the same CNAME. */
function withoutRepeats(lines: readonly SourceLine[]): SourceLine[] {
  const seen = new Set<string>();
  return lines.filter(({ text }) => !seen.has(text) && seen.add(text));
}
