/** From the lines of an export to a zone without errors: lines that cannot be in a zone are corrected or left out, and noted. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import { labelCount, nameFromText, nameKey, nameLength, nameToText, suffixAt } from '../../protocol/name.js';
import { scanRdata } from '../../protocol/rdata/scan.js';
import { nameLayout, typeToText } from '../../protocol/rdata/table.js';
import { Tokens } from '../../protocol/tokens.js';
import { checkZone } from '../../zone/check.js';
import { Diagnostics } from '../../zone/diagnostics.js';
import { readZone } from '../../zone/reader.js';
import { groupRrsets, type Rrsets } from '../../zone/rrsets.js';
import { RecordStore } from '../../zone/store.js';
import type { Notes, SourceText } from './source-lines.js';

/** A record of the export: names uncompressed in wire format, TTL in seconds, the line of the export (0: made here). */
interface Imported {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
  readonly line: number;
}

/** A zone that has been imported. */
interface ImportedZone {
  readonly name: string;
  readonly records: number;
  readonly rrsets: Rrsets;
}

/** Errors of an export that are noted; more are only counted. A guess: more than anybody reads. */
const MAX_ERRORS = 10_000;
/** Seconds: for records that are made here, and in place of Cloudflare's 1, which means "automatic". */
const DEFAULT_TTL = 300;
const CLOUDFLARE_AUTOMATIC = 1;
const SOA_TIMES = '1 7200 3600 1209600 300';

/** Makes the zone `name` (absolute, presentation format) of an export. Throws ADOTD_ZONE_INVALID when it has no records. */
export function importZone(source: SourceText, name: string, now: number, notes: Notes): ImportedZone {
  const zone = nameFromText(name);
  const { records: all, isWhole } = read(source, zone, notes);
  let records = all.map((record) => withFinalDots(record, zone, notes));
  if (source.origin === 'Cloudflare') records = records.map((record) => withCloudflareTtl(record, notes));
  records = inside(records, zone, notes);
  if (records.length === 0)
    throw new AdotdError(
      ErrorCode.ZONE_INVALID,
      `found no record of zone ${name} in ${source.origin}; is --zone the zone's name?`,
    );
  records = withApex(withoutClashes(records, zone, notes), zone, notes);
  if (!isWhole || records.length !== all.length || records.some((record, i) => record !== all[i]))
    records = unsigned(records, 'records were left out or changed', notes);
  noteProvider(records, zone, notes);
  return { name, ...checked(records, name, now, notes) };
}

/** Reads the lines; those that cannot be read are noted, and the records are not whole. */
function read({ lines }: SourceText, zone: Uint8Array, notes: Notes): { records: Imported[]; isWhole: boolean } {
  const diagnostics = new Diagnostics(MAX_ERRORS);
  const bytes = Buffer.from(lines.map(({ text }) => text).join('\n'));
  const store = readZone({ file: '', bytes, origin: zone, defaultTtl: undefined }, diagnostics);
  const lineOf = (line: number): number => lines[line - 1]?.line ?? 0;
  for (const { line, message, severity } of diagnostics.list)
    notes.add(lineOf(line), severity === 'error' ? `${message}; left out` : message);
  if (diagnostics.errors > MAX_ERRORS) notes.add(0, `${diagnostics.errors - MAX_ERRORS} more lines cannot be read`);
  const records = Array.from({ length: store.recordCount }, (_, row) => {
    const at = store.rdataAt[row]!;
    return {
      owner: store.nameOf(store.node[row]!),
      type: store.type[row]!,
      ttl: store.ttl[row]!,
      rdata: store.rdata.slice(at, at + store.rdataLength[row]!),
      line: lineOf(store.line[row]!),
    };
  });
  return { records, isWhole: diagnostics.errors === 0 };
}

/** A record whose names end in the zone's name twice lacks final dots: `www.example.com` was taken as relative. */
function withFinalDots(record: Imported, zone: Uint8Array, notes: Notes): Imported {
  const owner = once(record.owner, zone);
  if (owner !== undefined)
    notes.add(record.line, `found ${nameToText(owner)} without its final dot as the owner; the dot is added`);
  const layout = nameLayout(record.type);
  if (layout === undefined) return owner === undefined ? record : { ...record, owner };
  let rdata = record.rdata;
  for (let i = 0, at = layout.at; i < layout.count && at < rdata.length; i++, at += nameLength(rdata, at)) {
    const length = nameLength(rdata, at);
    const target = once(rdata.slice(at, at + length), zone);
    if (target === undefined) continue;
    notes.add(
      record.line,
      `found ${nameToText(target)} without its final dot in ${typeToText(record.type)}; the dot is added`,
    );
    rdata = Uint8Array.from([...rdata.subarray(0, at), ...target, ...rdata.subarray(at + length)]);
  }
  return owner === undefined && rdata === record.rdata ? record : { ...record, owner: owner ?? record.owner, rdata };
}

/** The name without the zone's name at its end, if the rest ends in it as well; undefined: it does not. */
function once(name: Uint8Array, zone: Uint8Array): Uint8Array | undefined {
  const labels = labelCount(zone);
  const end = labels < 2 ? -1 : suffixAt(name, 0, zone, labels);
  if (end <= 0) return undefined;
  const rest = Uint8Array.from([...name.subarray(0, end), 0]);
  return suffixAt(rest, 0, zone, labels) < 0 ? undefined : rest;
}

function withCloudflareTtl(record: Imported, notes: Notes): Imported {
  if (record.ttl !== CLOUDFLARE_AUTOMATIC) return record;
  notes.add(record.line, `found TTL 1, Cloudflare's word for "automatic"; set to ${DEFAULT_TTL}`);
  return { ...record, ttl: DEFAULT_TTL };
}

function inside(records: readonly Imported[], zone: Uint8Array, notes: Notes): Imported[] {
  const labels = labelCount(zone);
  return records.filter(({ owner, line }) => {
    if (suffixAt(owner, 0, zone, labels) >= 0) return true;
    notes.add(line, `found ${nameToText(owner)}, which is outside the zone ${nameToText(zone)}; left out`);
    return false;
  });
}

/** Types that may stand beside CNAME (RFC 2181 §10.1, RFC 4035 §2.5, RFC 3007 §3.1.1). */
const BESIDE_CNAME: ReadonlySet<number> = new Set([Type.CNAME, Type.RRSIG, Type.NSEC, Type.KEY]);

/** Leaves out CNAME records beside other data, and all but the first of several CNAME, DNAME and SOA records. */
function withoutClashes(records: readonly Imported[], zone: Uint8Array, notes: Notes): Imported[] {
  const others = new Set(records.filter(({ type }) => !BESIDE_CNAME.has(type)).map(({ owner }) => nameKey(owner)));
  const single = new Map<string, Imported>();
  const apex = nameKey(zone);
  return records.filter((record) => {
    const { owner, type, rdata, line } = record;
    if (type !== Type.CNAME && type !== Type.DNAME && type !== Type.SOA) return true;
    const key = nameKey(owner);
    const target = type === Type.SOA ? '' : ` to ${nameToText(rdata)}`;
    const what = `found ${typeToText(type)}${target} at ${nameToText(owner)}`;
    if (type === Type.CNAME && (key === apex || others.has(key))) {
      const remedy = 'write the addresses of its target as A and AAAA records';
      notes.add(line, `${what}, beside other data (RFC 2181 §10.1); left out: ${remedy}`);
      return false;
    }
    if (type === Type.SOA && key !== apex) {
      notes.add(line, `${what}, which is not the apex of the zone; left out`);
      return false;
    }
    const first = single.get(`${type} ${key}`);
    single.set(`${type} ${key}`, first ?? record);
    if (first === undefined || Buffer.compare(first.rdata, rdata) === 0) return true;
    notes.add(line, `${what}, expected one; the first is taken`);
    return false;
  });
}

/** Adds the SOA and NS records that a zone needs and some exports lack. */
function withApex(records: readonly Imported[], zone: Uint8Array, notes: Notes): Imported[] {
  const apex = nameKey(zone);
  const own = records.filter(({ owner }) => nameKey(owner) === apex);
  const ns = own.find(({ type }) => type === Type.NS);
  const server = ns === undefined ? Uint8Array.from([3, ...Buffer.from('ns1'), ...zone]) : ns.rdata;
  const made: Imported[] = [];
  const make = (type: number, rdata: string): void => {
    made.push({ owner: zone, type, ttl: DEFAULT_TTL, rdata: rdataOf(type, rdata), line: 0 });
    notes.add(0, `found no ${typeToText(type)} record at the apex; made one: ${rdata}; put in your own`);
  };
  if (!own.some(({ type }) => type === Type.SOA))
    make(Type.SOA, `${nameToText(server)} hostmaster.${nameToText(zone)} ${SOA_TIMES}`);
  if (ns === undefined) make(Type.NS, nameToText(server));
  return [...made, ...records];
}

function rdataOf(type: number, text: string): Uint8Array {
  const tokens = new Tokens(Buffer.from(text), '');
  tokens.nextEntry();
  const out = new Uint8Array(text.length + 1024);
  return out.slice(0, scanRdata(type, tokens, Uint8Array.of(0), out, 0));
}

/** Nameservers of companies that run DNS for others. */
const PROVIDERS = /\.(ns\.cloudflare\.com|awsdns-[0-9]+\.(com|net|org|co\.uk))\.$/i;

function noteProvider(records: readonly Imported[], zone: Uint8Array, notes: Notes): void {
  for (const { owner, type, rdata, line } of records)
    if (type === Type.NS && nameKey(owner) === nameKey(zone) && PROVIDERS.test(nameToText(rdata)))
      notes.add(line, `found nameserver ${nameToText(rdata)}, which does not know of this server; put in your own`);
}

/** Types of the records that signing adds to a zone. */
const SIGNED: ReadonlySet<number> = new Set([Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM]);

/** Leaves out records until the checks of a zone find no error. */
function checked(all: readonly Imported[], name: string, now: number, notes: Notes): Omit<ImportedZone, 'name'> {
  let records = all;
  for (;;) {
    const { rrsets, errors } = judged(records, now);
    const [first] = errors;
    if (first === undefined) return { records: records.length - rrsets.duplicates.length, rrsets };
    if (records.some(({ type }) => SIGNED.has(type))) {
      records = unsigned(records, first.message, notes);
      continue;
    }
    const wrong = new Map(errors.map(({ line, message }) => [line - LINE_OFFSET, message]));
    const isWrong = ({ line, type }: Imported): boolean => wrong.has(line) && type !== Type.SOA && line !== 0;
    const gone = records.filter(isWrong);
    if (gone.length === 0)
      throw new AdotdError(ErrorCode.ZONE_INVALID, `cannot make a zone of ${name}: ${first.message}`);
    for (const { line } of gone) notes.add(line, `${wrong.get(line)}; left out`);
    records = records.filter((record) => !isWrong(record));
  }
}

/** The records without those that signing added: as soon as one record or signature is missing, the others are wrong. */
function unsigned(records: readonly Imported[], reason: string, notes: Notes): Imported[] {
  const kept = records.filter(({ type }) => !SIGNED.has(type));
  if (kept.length < records.length)
    notes.add(
      0,
      `found a signed zone, but ${reason}; its signatures are left out: remove its DS record from the zone above first`,
    );
  return kept;
}

function judged(records: readonly Imported[], now: number) {
  const rrsets = groupRrsets(storeOf(records));
  const diagnostics = new Diagnostics(MAX_ERRORS);
  checkZone(rrsets, diagnostics, { now });
  return { rrsets, errors: diagnostics.list.filter(({ severity }) => severity === 'error') };
}

/** The store counts lines from 1; records that are made here have line 0. */
const LINE_OFFSET = 1;

function storeOf(records: readonly Imported[]): RecordStore {
  const store = new RecordStore(records.length);
  store.files.push('');
  for (const { owner, type, ttl, rdata, line } of records) {
    store.reserveRdata();
    store.rdata.set(rdata, store.rdataUsed);
    store.add(store.intern(owner), type, ttl, rdata.length, 0, line + LINE_OFFSET, 1);
  }
  return store;
}
