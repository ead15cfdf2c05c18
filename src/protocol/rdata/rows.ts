/**
 * The rows of the RDATA table: every type of IANA's registry "Resource Record (RR) TYPEs" of 2026-10-04. A new type is a row; a
 * type whose presentation format was never published, or is that of a draft in progress, has no fields and is read and printed in
 * the generic form of RFC 3597.
 *
 * Not here: DELEG and DELEGI, whose numbers are not final; they are read in the generic form like any unknown type.
 */
import {
  type ContentJudge,
  fingerprintMistake,
  ipsecKeyMistake,
  keyMistake,
  locationMistake,
  naptrMistake,
  nsec3Mistake,
  nsecMistake,
  nxtMistake,
  oldKeyMistake,
  resourceKeyMistake,
  servicesMistake,
  signatureMistake,
  x25Mistake,
} from './content.js';
import { type Field, FieldKind, fieldOf } from './field.js';

/** The records that the additional section gets for the first name of a type's RDATA, its target. */
export const Additional = {
  NOTHING: 0,
  /** The target's addresses (RFC 1035 §3.3, RFC 2782). */
  ADDRESSES: 1,
  /**
   * Its addresses. The RDATA begins with a priority: if that is 0, the record is an alias, and the target's RRset of the
   * same type is added too; otherwise the target `.` stands for the owner (RFC 9460 §2.4, §2.5, §4.1).
   */
  SERVICE: 2,
} as const;
export type Additional = (typeof Additional)[keyof typeof Additional];

/** A row of the table: one type. */
export interface TypeRow {
  readonly type: number;
  readonly mnemonic: string;
  /** Undefined when the type has no presentation format but the generic one. */
  readonly fields: readonly Field[] | undefined;
  readonly additional: Additional;
  /** Judges the content of well-formed RDATA (content.ts); undefined: every content will do. */
  readonly judge: ContentJudge | undefined;
}

const u8 = fieldOf(FieldKind.U8);
const u16 = fieldOf(FieldKind.U16);
const u32 = fieldOf(FieldKind.U32);
const u64 = fieldOf(FieldKind.U64);
const period = fieldOf(FieldKind.PERIOD);
const time = fieldOf(FieldKind.TIME);
const rrtype = fieldOf(FieldKind.TYPE);
const algorithm = fieldOf(FieldKind.ALGORITHM);
const digestType = fieldOf(FieldKind.DIGEST_TYPE);
const certificateType = fieldOf(FieldKind.CERTIFICATE_TYPE);
const scheme = fieldOf(FieldKind.SCHEME);
const ipv4 = fieldOf(FieldKind.IPV4);
const ipv6 = fieldOf(FieldKind.IPV6);
const locator64 = fieldOf(FieldKind.LOCATOR64);
const compressedName = fieldOf(FieldKind.COMPRESSED_NAME);
const decompressedName = fieldOf(FieldKind.DECOMPRESSED_NAME);
const loweredName = fieldOf(FieldKind.LOWERED_NAME);
const name = fieldOf(FieldKind.NAME);
const string = fieldOf(FieldKind.STRING);
const strings = fieldOf(FieldKind.STRINGS);
const hex = fieldOf(FieldKind.HEX);
const base64 = fieldOf(FieldKind.BASE64);
const optionalBase64 = fieldOf(FieldKind.OPTIONAL_BASE64);
const bitmap = fieldOf(FieldKind.TYPE_BITMAP);

const one = (kind: FieldKind, label: string): readonly Field[] => [{ kind, name: label }];
const row = (type: number, mnemonic: string, fields?: readonly Field[], judge?: ContentJudge): TypeRow => ({
  type,
  mnemonic,
  fields,
  additional: Additional.NOTHING,
  judge,
});
const withAddresses = (type: number, mnemonic: string, fields: readonly Field[]): TypeRow => ({
  ...row(type, mnemonic, fields),
  additional: Additional.ADDRESSES,
});
const service = (type: number, mnemonic: string, fields: readonly Field[]): TypeRow => ({
  ...row(type, mnemonic, fields),
  additional: Additional.SERVICE,
});

const signature = (signer: Field): readonly Field[] => [
  rrtype('type covered'),
  algorithm('algorithm'),
  u8('labels'),
  period('original TTL'),
  time('signature expiration'),
  time('signature inception'),
  u16('key tag'),
  signer,
  base64('signature'),
];
const key = (publicKey: Field): readonly Field[] => [u16('flags'), u8('protocol'), algorithm('algorithm'), publicKey];
const delegationSigner: readonly Field[] = [
  u16('key tag'),
  algorithm('algorithm'),
  digestType('digest type'),
  { kind: FieldKind.DS_DIGEST, name: 'digest' },
];
const certificateAssociation: readonly Field[] = [
  u8('certificate usage'),
  u8('selector'),
  u8('matching type'),
  hex('certificate association data'),
];
const serviceBinding: readonly Field[] = [
  u16('priority'),
  name('target'),
  { kind: FieldKind.SVC_PARAMS, name: 'parameters' },
];

export const ROWS: readonly TypeRow[] = [
  row(1, 'A', [ipv4('address')]), // RFC 1035
  withAddresses(2, 'NS', [compressedName('nameserver')]), // RFC 1035
  row(3, 'MD', [compressedName('mail destination')]), // RFC 1035
  row(4, 'MF', [compressedName('mail forwarder')]), // RFC 1035
  row(5, 'CNAME', [compressedName('target')]), // RFC 1035
  // RFC 1035
  row(6, 'SOA', [
    compressedName('MNAME'),
    compressedName('RNAME'),
    u32('serial'),
    period('refresh'),
    period('retry'),
    period('expire'),
    period('minimum'),
  ]),
  row(7, 'MB', [compressedName('mailbox host')]), // RFC 1035
  row(8, 'MG', [compressedName('mail group member')]), // RFC 1035
  row(9, 'MR', [compressedName('new mailbox')]), // RFC 1035
  row(10, 'NULL'), // RFC 1035
  row(11, 'WKS', one(FieldKind.SERVICES, 'services'), servicesMistake), // RFC 1035
  row(12, 'PTR', [compressedName('target')]), // RFC 1035
  row(13, 'HINFO', [string('CPU'), string('OS')]), // RFC 1035
  row(14, 'MINFO', [compressedName('responsible mailbox'), compressedName('error mailbox')]), // RFC 1035
  withAddresses(15, 'MX', [u16('preference'), compressedName('exchange')]), // RFC 1035
  row(16, 'TXT', [strings('text')]), // RFC 1035
  row(17, 'RP', [decompressedName('mailbox'), decompressedName('text name')]), // RFC 1183
  row(18, 'AFSDB', [u16('subtype'), decompressedName('host')]), // RFC 1183
  row(19, 'X25', [string('PSDN address')], x25Mistake), // RFC 1183
  row(20, 'ISDN', [string('ISDN address'), { kind: FieldKind.OPTIONAL_STRING, name: 'subaddress' }]), // RFC 1183
  row(21, 'RT', [u16('preference'), decompressedName('intermediate host')]), // RFC 1183
  row(22, 'NSAP', one(FieldKind.NSAP, 'address')), // RFC 1706
  row(23, 'NSAP-PTR', [name('target')]), // RFC 1348
  row(24, 'SIG', signature(decompressedName('signer'))), // RFC 2535
  row(25, 'KEY', key(optionalBase64('public key')), oldKeyMistake), // RFC 2535
  row(26, 'PX', [u16('preference'), decompressedName('RFC 822 domain'), decompressedName('X.400 domain')]), // RFC 2163
  row(27, 'GPOS', [string('longitude'), string('latitude'), string('altitude')]), // RFC 1712
  row(28, 'AAAA', [ipv6('address')]), // RFC 3596
  row(29, 'LOC', one(FieldKind.LOCATION, 'location'), locationMistake), // RFC 1876
  row(30, 'NXT', [decompressedName('next name'), { kind: FieldKind.NXT_BITMAP, name: 'types' }], nxtMistake), // RFC 2535
  row(31, 'EID', [hex('endpoint identifier')]), // draft-ietf-nimrod-dns-01
  row(32, 'NIMLOC', [hex('Nimrod locator')]), // draft-ietf-nimrod-dns-01
  withAddresses(33, 'SRV', [u16('priority'), u16('weight'), u16('port'), decompressedName('target')]), // RFC 2782
  row(34, 'ATMA', one(FieldKind.ATM_ADDRESS, 'address')), // ATM Forum af-saa-0069
  // RFC 3403
  row(
    35,
    'NAPTR',
    [
      u16('order'),
      u16('preference'),
      string('flags'),
      string('services'),
      string('regular expression'),
      decompressedName('replacement'),
    ],
    naptrMistake,
  ),
  row(36, 'KX', [u16('preference'), loweredName('exchanger')]), // RFC 2230
  row(37, 'CERT', [certificateType('type'), u16('key tag'), algorithm('algorithm'), base64('certificate')]), // RFC 4398
  // RFC 2874
  row(38, 'A6', [
    { kind: FieldKind.ADDRESS_SUFFIX, name: 'address suffix' },
    { kind: FieldKind.PREFIX_NAME, name: 'prefix name' },
  ]),
  row(39, 'DNAME', [loweredName('target')]), // RFC 6672
  row(40, 'SINK', [u8('meaning'), u8('coding'), u8('subcoding'), optionalBase64('data')]), // draft-eastlake-kitchen-sink
  row(41, 'OPT'), // RFC 6891
  row(42, 'APL', one(FieldKind.ADDRESS_PREFIXES, 'address prefixes')), // RFC 3123
  row(43, 'DS', delegationSigner), // RFC 4034
  row(44, 'SSHFP', [u8('algorithm'), u8('fingerprint type'), hex('fingerprint')], fingerprintMistake), // RFC 4255
  // RFC 4025
  row(
    45,
    'IPSECKEY',
    [
      u8('precedence'),
      u8('gateway type'),
      u8('algorithm'),
      { kind: FieldKind.IPSEC_GATEWAY, name: 'gateway' },
      optionalBase64('public key'),
    ],
    ipsecKeyMistake,
  ),
  row(46, 'RRSIG', signature(loweredName('signer')), signatureMistake), // RFC 4034
  row(47, 'NSEC', [name('next name'), bitmap('types')], nsecMistake), // RFC 4034
  row(48, 'DNSKEY', key(base64('public key')), keyMistake), // RFC 4034
  row(49, 'DHCID', [base64('digest')]), // RFC 4701
  // RFC 5155
  row(
    50,
    'NSEC3',
    [
      u8('hash algorithm'),
      u8('flags'),
      u16('iterations'),
      { kind: FieldKind.SALT, name: 'salt' },
      { kind: FieldKind.BASE32HEX, name: 'next hashed owner' },
      bitmap('types'),
    ],
    nsec3Mistake,
  ),
  // RFC 5155
  row(51, 'NSEC3PARAM', [u8('hash algorithm'), u8('flags'), u16('iterations'), { kind: FieldKind.SALT, name: 'salt' }]),
  row(52, 'TLSA', certificateAssociation), // RFC 6698
  row(53, 'SMIMEA', certificateAssociation), // RFC 8162
  row(55, 'HIP', one(FieldKind.HOST_IDENTITY, 'host identity')), // RFC 8005
  row(56, 'NINFO', [strings('text')]), // draft-reid-dnsext-zs
  row(57, 'RKEY', key(base64('public key')), resourceKeyMistake), // draft-reid-dnsext-rkey
  row(58, 'TALINK', [name('previous name'), name('next name')]), // draft-wijngaards-dnsop-trust-history
  row(59, 'CDS', delegationSigner), // RFC 7344
  row(60, 'CDNSKEY', key(base64('public key')), keyMistake), // RFC 7344
  row(61, 'OPENPGPKEY', [base64('public key')]), // RFC 7929
  row(62, 'CSYNC', [u32('serial'), u16('flags'), bitmap('types')]), // RFC 7477
  // RFC 8976
  row(63, 'ZONEMD', [
    u32('serial'),
    u8('scheme'),
    u8('hash algorithm'),
    { kind: FieldKind.ZONEMD_DIGEST, name: 'digest' },
  ]),
  service(64, 'SVCB', serviceBinding), // RFC 9460
  service(65, 'HTTPS', serviceBinding), // RFC 9460
  row(66, 'DSYNC', [rrtype('type'), scheme('scheme'), u16('port'), name('target')]), // RFC 9859
  row(67, 'HHIT', [base64('host identity')]), // RFC 9886
  row(68, 'BRID', [base64('broadcast remote ID')]), // RFC 9886
  row(69, 'UNECE'), // draft-woodcock-faltstrom-external-registry-rrtypes
  row(70, 'ISO'), // draft-woodcock-faltstrom-external-registry-rrtypes
  row(99, 'SPF', [strings('text')]), // RFC 7208
  row(100, 'UINFO'), // IANA, reserved
  row(101, 'UID'), // IANA, reserved
  row(102, 'GID'), // IANA, reserved
  row(103, 'UNSPEC'), // IANA, reserved
  row(104, 'NID', [u16('preference'), locator64('node ID')]), // RFC 6742
  row(105, 'L32', [u16('preference'), ipv4('locator')]), // RFC 6742
  row(106, 'L64', [u16('preference'), locator64('locator')]), // RFC 6742
  row(107, 'LP', [u16('preference'), name('target')]), // RFC 6742
  row(108, 'EUI48', one(FieldKind.EUI48, 'address')), // RFC 7043
  row(109, 'EUI64', one(FieldKind.EUI64, 'address')), // RFC 7043
  row(128, 'NXNAME'), // RFC 9824
  row(249, 'TKEY'), // RFC 2930
  row(250, 'TSIG'), // RFC 8945
  row(251, 'IXFR'), // RFC 1995
  row(252, 'AXFR'), // RFC 5936
  row(253, 'MAILB'), // RFC 1035
  row(254, 'MAILA'), // RFC 1035
  row(255, 'ANY'), // RFC 8482
  row(256, 'URI', [u16('priority'), u16('weight'), { kind: FieldKind.TEXT, name: 'target' }]), // RFC 7553
  row(257, 'CAA', [u8('flags'), { kind: FieldKind.TAG, name: 'tag' }, { kind: FieldKind.TEXT, name: 'value' }]), // RFC 8659
  row(258, 'AVC', [strings('text')]), // IANA, Cisco
  // draft-durand-doa-over-dns
  row(259, 'DOA', [
    u32('enterprise'),
    u32('type'),
    u8('location'),
    string('media type'),
    { kind: FieldKind.DASHED_BASE64, name: 'data' },
  ]),
  row(260, 'AMTRELAY', [u8('precedence'), { kind: FieldKind.AMT_RELAY, name: 'relay' }]), // RFC 8777
  row(261, 'RESINFO', [strings('text')]), // RFC 9606
  row(262, 'WALLET', [strings('text')]), // IANA
  row(263, 'CLA', [strings('text')]), // draft-johnson-dns-ipn-cla
  row(264, 'IPN', [u64('node number')]), // draft-johnson-dns-ipn-cla
  row(32768, 'TA', delegationSigner), // IANA, DNSSEC trust authorities
  row(32769, 'DLV', delegationSigner), // RFC 4431
];
