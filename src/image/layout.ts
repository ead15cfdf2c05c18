/**
 * The layout of a zone image: one flat run of octets in a SharedArrayBuffer. compile.ts writes it once; then all threads
 * only read it. test/image/dump-main.ts prints one for humans.
 *
 * An image is addressed in 32-bit words of the machine's byte order, relative to its first word, so that small zones can
 * lie behind each other in one buffer. A *reference* is such a word number; 0 means "none" (word 0 is the header).
 * Parts that are copied to the wire are octets in wire format, and begin on a word.
 *
 *   header | apex name | nodes, each followed by its RRsets | salt, NSEC3 chain | unused RRsets | NSEC child tables | hash table
 *
 * node    NODE_* words, the label (length octet first, padded to a word), then a directory of DIRECTORY_ENTRY words per
 *         RRset in rising order of type: type, reference of the RRset. Entries of type RRSIG, one for each type covered,
 *         are signatures whose RRset is not there.
 * RRset   RRSET_* words, then its records ready for the wire, each beginning with the two-octet owner 0xC00C (a pointer
 *         to QNAME), then its RRSIGs in the same form. Its extra table lists the parts that must be rewritten in a copy.
 * extra   number of words of fixups, then per fixup the offset (from the first record) of a compression pointer to write:
 *         to the apex, with FIXUP_OWNER to the owner, with FIXUP_WITHIN to a place in these records, which the next word
 *         gives as number of the record << WITHIN_SHIFT and offset; then the number of targets, then per record of the
 *         RRset: reference of the target's node or 0, offset of the target's name (0: the owner itself), with TARGET_BELOW
 *         when it lies at or below the owner (in-domain, RFC 9471), with TARGET_ALIAS when the record is a service's alias.
 * children (NSEC zones) number of children, then per child in canonical order: reference of the child, reference of the
 *         node that owns the last NSEC at or before the end of the child's subtree.
 * chain   (NSEC3 zones) per NSEC3 in order of hash: 20 octets of hash, reference of the RRset.
 * unused  RRsets that no answer has, because their owners have no node: NSEC3 records of a chain that is not served, and
 *         signatures over nothing beside NSEC3 records. Per RRset: reference of its owner's name in wire format, reference
 *         of the RRset. With them, an image has all records of its zone (changes/image-records.ts).
 * hash table: per slot the hash of the node's name and the node's reference (0: free); open addressing, linear probing.
 */

/** First word of an image: "ZIMG" in ASCII. */
export const MAGIC = 0x5a494d47;
/** Raised with every change of this file's layout. */
export const FORMAT = 4;

export const HEADER_MAGIC = 0;
export const HEADER_FORMAT = 1;
/** Words of the image. */
export const HEADER_SIZE = 2;
/** FLAG_* bits. */
export const HEADER_FLAGS = 3;
export const HEADER_TABLE = 4;
/** Slots of the hash table less one; the number of slots is a power of two. */
export const HEADER_MASK = 5;
/** Seed of the hash: the hash of the apex itself. */
export const HEADER_SEED = 6;
export const HEADER_APEX = 7;
/** The SOA RRset with the TTLs of negative answers (RFC 2308 §3); the one of positive answers is in the apex. */
export const HEADER_NEGATIVE_SOA = 8;
export const HEADER_SERIAL = 9;
/** Seconds: EXPIRE of the SOA record. */
export const HEADER_EXPIRE = 10;
export const HEADER_NAME = 11;
/** Octets of the apex's name. */
export const HEADER_NAME_LENGTH = 12;
export const HEADER_LABEL_COUNT = 13;
export const HEADER_CHAIN = 14;
export const HEADER_CHAIN_COUNT = 15;
export const HEADER_SALT = 16;
export const HEADER_SALT_LENGTH = 17;
export const HEADER_ITERATIONS = 18;
export const HEADER_NODE_COUNT = 19;
export const HEADER_RECORD_COUNT = 20;
/** Most slots that a search of the hash table looks at. */
export const HEADER_LONGEST_PROBE = 21;
export const HEADER_UNUSED = 22;
export const HEADER_UNUSED_COUNT = 23;
/** Seconds: the largest TTL of the zone's records, but for those of the signer: their TTLs follow from it and from the policy. */
export const HEADER_LARGEST_TTL = 24;
export const HEADER_WORDS = 25;

/** Denial of existence by NSEC (RFC 4035). */
export const FLAG_NSEC = 1;
/** Denial of existence by NSEC3 (RFC 5155). */
export const FLAG_NSEC3 = 2;
/** The zone is that of the DNS root: names in it end in the root's zero octet, not in a pointer. */
export const FLAG_ROOT = 4;

export const NODE_PARENT = 0;
/** NODE_* flags, number of RRsets << NODE_COUNT_SHIFT. */
export const NODE_INFO = 1;
/** Reference of the child `*`. */
export const NODE_WILDCARD = 2;
/**
 * NSEC: reference of the node that owns the last NSEC at or before this name. NSEC3: number in the chain + 1 of the
 * record that matches this name, or minus that of the one that covers it.
 */
export const NODE_PROOF = 3;
/** NSEC: reference of the child table. NSEC3: number in the chain + 1 of the record that matches or covers `*` below. */
export const NODE_CHILDREN = 4;
export const NODE_LABEL = 5;

/** The node has NS records and is not the apex: a zone cut. */
export const NODE_CUT = 1;
/** The node has a DNAME record. */
export const NODE_DNAME = 2;
/** The node has a CNAME record. */
export const NODE_CNAME = 4;
/** The node lies below a zone cut or a DNAME: its data can only be glue. */
export const NODE_OCCLUDED = 8;
export const NODE_COUNT_SHIFT = 8;

export const DIRECTORY_ENTRY = 2;

/** Number of records | RRSET_* flags. */
export const RRSET_INFO = 0;
/** Octets of the records. */
export const RRSET_LENGTH = 1;
/** Number of RRSIG records that cover the RRset. */
export const RRSET_SIGNATURES = 2;
/** Octets of those RRSIG records. */
export const RRSET_SIGNATURES_LENGTH = 3;
/** Reference of the extra table. */
export const RRSET_EXTRA = 4;
export const RRSET_DATA = 5;

export const RRSET_COUNT_MASK = 0xffff;
/** The first record's RDATA is a name in this zone (CNAME). */
export const RRSET_TARGET_IN_ZONE = 0x10000;
/** The records have targets whose addresses belong in the additional section. */
export const RRSET_ADDITIONAL = 0x20000;
/** With RRSET_ADDITIONAL: the records are services, whose aliases lead to further RRsets of their type (RFC 9460). */
export const RRSET_SERVICE = 0x40000;

export const FIXUP_OWNER = 0x40000000;
export const FIXUP_WITHIN = 0x20000000;
export const WITHIN_SHIFT = 16;
export const WITHIN_MASK = 0xffff;
/** Longer RRsets have no pointers within: a pointer reaches only the first 16,383 octets of a message (RFC 1035 §4.1.4). */
export const WITHIN_LIMIT = 4096;
export const TARGET_BELOW = 0x40000000;
/** The target's RRset of the same type belongs in the additional section too (RFC 9460 §4.1). */
export const TARGET_ALIAS = 0x20000000;
/** Clears FIXUP_OWNER, FIXUP_WITHIN, TARGET_BELOW and TARGET_ALIAS. */
export const OFFSET_MASK = 0x1fffffff;

export const CHAIN_HASH_OCTETS = 20;
export const CHAIN_RRSET = 5;
export const CHAIN_ENTRY = 6;

export const UNUSED_OWNER = 0;
export const UNUSED_RRSET = 1;
export const UNUSED_ENTRY = 2;

export const SLOT_HASH = 0;
export const SLOT_NODE = 1;
export const SLOT_WORDS = 2;

/** Octets of a stored record before its RDATA: owner pointer, type, class, TTL, RDLENGTH. */
export const RECORD_FIXED = 12;
export const RECORD_TTL = 6;
export const RECORD_RDLENGTH = 10;
