/**
 * The states of a zone's keys, after "Flexible and Robust Key Rollover in DNSSEC" (Schaeffer, Overeinder, Mekking) and
 * RFC 7583. Each record that a key causes is in one of four states; they say what caches of resolvers may hold. All of it is
 * plain data, to be stored as JSON.
 */

/** Says whether caches may hold a record. A record goes through these states in this order, and never back. */
export type RecordState =
  /** No cache has it. */
  | 'hidden'
  /** It is published; caches may still hold a version without it. */
  | 'rumoured'
  /** No cache holds a version without it. */
  | 'omnipresent'
  /** It is published no more; caches may still hold it. */
  | 'unretentive';

/** The records of a key: its DNSKEY record, its signature over the DNSKEY RRset, those over the zone, and the DS record. */
export type KeyRecord = 'dnskey' | 'krrsig' | 'zrrsig' | 'ds';

export type KeyRole = 'csk' | 'ksk' | 'zsk';

/** The records that keys of a role have. */
export const RECORDS_OF: Readonly<Record<KeyRole, readonly KeyRecord[]>> = {
  csk: ['dnskey', 'krrsig', 'zrrsig', 'ds'],
  ksk: ['dnskey', 'krrsig', 'ds'],
  zsk: ['dnskey', 'zrrsig'],
};

export interface RecordProgress {
  readonly state: RecordState;
  /** Seconds since 1970: when the zone that shows this state was published; undefined: it is not yet. */
  readonly since: number | undefined;
}

/** The sightings of a key's DS record at the parent. Times are seconds since 1970. */
interface ParentSight {
  readonly seen: number | undefined;
  readonly gone: number | undefined;
  /** When it was seen again, so late that no server can have given an older answer; undefined: it was not yet. */
  readonly sure: number | undefined;
  /** When it was seen last; undefined: somebody said so. */
  readonly last: number | undefined;
}

/** Since when, without a break, all servers of the other signers have said the same. Times are seconds since 1970. */
export interface Lasting {
  readonly since: number | undefined;
  /** When they still said so, so late that no server can have given an older answer; undefined: that was not yet. */
  readonly sure: number | undefined;
}

/** The sightings of a key at the servers of the other signers (RFC 8901). */
export interface SignersSight {
  /** The DNSKEY record, and none. */
  readonly hasKey: Lasting;
  readonly lacksKey: Lasting;
  /** CDS and CDNSKEY that ask for the key, or none at all; and those that do not ask for it, or none at all. */
  readonly hasCds: Lasting;
  readonly lacksCds: Lasting;
  /** Seconds since 1970: when all of them answered last. */
  readonly last: number | undefined;
}

/** A key of another signer, of which the zone's content has the DNSKEY record (RFC 8901). */
export interface ForeignKey {
  /** RDATA of the DNSKEY record in base64. */
  readonly dnskey: string;
  readonly algorithm: number;
  readonly tag: number;
  readonly record: RecordProgress;
}

export interface KeyProgress {
  /** Names the key and its file; unique in the zone, for ever. */
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: number;
  /** Of an RSA key; undefined: it is of another algorithm. */
  readonly bits?: number | undefined;
  readonly tag: number;
  /** Whether it is to be used, or to disappear. */
  readonly goal: 'omnipresent' | 'hidden';
  /** Seconds since 1970. */
  readonly created: number;
  /** When all its records became omnipresent; its lifetime begins. */
  readonly active: number | undefined;
  readonly records: Readonly<Record<KeyRecord, RecordProgress>>;
  /** Says since when, without a break, all servers of the parent had the DS record of the key, or had not. */
  readonly parent: ParentSight;
  /** undefined: other signers were not asked yet. */
  readonly signers?: SignersSight | undefined;
}

/** A TTL that was served, and when it was last. */
export interface ServedTtl {
  readonly ttl: number;
  readonly last: number;
}

export interface ZoneKeys {
  readonly keys: readonly KeyProgress[];
  /** Seconds since 1970: the latest time that was seen. */
  readonly time: number;
  /** Whether the zone was ever signed. Then a first key has to be asked for, unless the parent's servers deny that there is a DS record. */
  readonly wasSigned: boolean;
  /** Whether somebody has said that a first key may be made, whatever is known of DS records. */
  readonly isStartAllowed: boolean;
  /** Whether states stand still by command. */
  readonly isFrozen: boolean;
  /** Whether the zone is to be unsigned. */
  readonly isLeaving: boolean;
  /** Roles whose keys are to be replaced now. */
  readonly rolls: readonly KeyRole[];
  /** TTLs of the DNSKEY RRset, of the zone's other RRsets, and of the DS RRset that caches may still hold. */
  readonly ttls: Readonly<Record<TtlKind, readonly ServedTtl[]>>;
  /** The TTLs that the zone may be served with now: while a new version is not published, that of the one before as well. */
  readonly current: Readonly<Record<TtlKind, readonly number[]>>;
  /** Keys of other signers of the zone; their records are rumoured or omnipresent. */
  readonly foreign: readonly ForeignKey[];
}

export type TtlKind = 'dnskey' | 'zone' | 'ds';

export const HIDDEN: RecordProgress = { state: 'hidden', since: undefined };

/** A zone that was never signed. */
export const NO_KEYS_YET: ZoneKeys = {
  keys: [],
  time: 0,
  wasSigned: false,
  isStartAllowed: false,
  isFrozen: false,
  isLeaving: false,
  rolls: [],
  ttls: { dnskey: [], zone: [], ds: [] },
  current: { dnskey: [], zone: [], ds: [] },
  foreign: [],
};

/** The kind of RRset whose TTL keeps a record in caches. */
export const TTL_OF: Readonly<Record<KeyRecord, TtlKind>> = {
  dnskey: 'dnskey',
  krrsig: 'dnskey',
  zrrsig: 'zone',
  ds: 'ds',
};

/** Whether a record is published: in the zone, or asked of the parent. */
export function isPublished({ state }: RecordProgress): boolean {
  return state === 'rumoured' || state === 'omnipresent';
}

/** Whether all records of a key are in this state. */
export function isWholly(key: KeyProgress, state: RecordState): boolean {
  return RECORDS_OF[key.role].every((record) => key.records[record].state === state);
}
