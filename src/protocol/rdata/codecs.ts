/** The codec of every kind of field; hot code indexes this array with `Field.kind`. */
import { eui48, eui64, ipv4, ipv6, locator64 } from './addresses.js';
import { base32hex, base64, dashedBase64, dsDigest, hex, optionalBase64, salt, zonemdDigest } from './binary.js';
import { nxtBitmap, typeBitmap } from './bitmap.js';
import type { Codec } from './codec.js';
import { FieldKind } from './field.js';
import { amtRelay, ipsecGateway } from './gateway.js';
import { hostIdentity } from './host-identity.js';
import { algorithm, certificateType, digestType, period, rrtype, scheme, time, u8, u16, u32, u64 } from './integers.js';
import { addressSuffix, prefixName } from './ipv6-chain.js';
import { location } from './location.js';
import { name } from './names.js';
import { atmAddress, nsap } from './osi-addresses.js';
import { addressPrefixes } from './prefixes.js';
import { services } from './services.js';
import { optionalString, string, strings, tag, text } from './strings.js';
import { svcParams } from './svc-params.js';

const BY_KIND: Readonly<Record<FieldKind, Codec>> = {
  [FieldKind.U8]: u8,
  [FieldKind.U16]: u16,
  [FieldKind.U32]: u32,
  [FieldKind.U64]: u64,
  [FieldKind.PERIOD]: period,
  [FieldKind.TIME]: time,
  [FieldKind.TYPE]: rrtype,
  [FieldKind.ALGORITHM]: algorithm,
  [FieldKind.DIGEST_TYPE]: digestType,
  [FieldKind.CERTIFICATE_TYPE]: certificateType,
  [FieldKind.SCHEME]: scheme,
  [FieldKind.IPV4]: ipv4,
  [FieldKind.IPV6]: ipv6,
  [FieldKind.EUI48]: eui48,
  [FieldKind.EUI64]: eui64,
  [FieldKind.LOCATOR64]: locator64,
  [FieldKind.COMPRESSED_NAME]: name,
  [FieldKind.DECOMPRESSED_NAME]: name,
  [FieldKind.LOWERED_NAME]: name,
  [FieldKind.NAME]: name,
  [FieldKind.STRING]: string,
  [FieldKind.OPTIONAL_STRING]: optionalString,
  [FieldKind.STRINGS]: strings,
  [FieldKind.TAG]: tag,
  [FieldKind.TEXT]: text,
  [FieldKind.HEX]: hex,
  [FieldKind.BASE64]: base64,
  [FieldKind.OPTIONAL_BASE64]: optionalBase64,
  [FieldKind.DASHED_BASE64]: dashedBase64,
  [FieldKind.SALT]: salt,
  [FieldKind.BASE32HEX]: base32hex,
  [FieldKind.DS_DIGEST]: dsDigest,
  [FieldKind.ZONEMD_DIGEST]: zonemdDigest,
  [FieldKind.TYPE_BITMAP]: typeBitmap,
  [FieldKind.NXT_BITMAP]: nxtBitmap,
  [FieldKind.SVC_PARAMS]: svcParams,
  [FieldKind.LOCATION]: location,
  [FieldKind.ADDRESS_PREFIXES]: addressPrefixes,
  [FieldKind.IPSEC_GATEWAY]: ipsecGateway,
  [FieldKind.AMT_RELAY]: amtRelay,
  [FieldKind.SERVICES]: services,
  [FieldKind.HOST_IDENTITY]: hostIdentity,
  [FieldKind.NSAP]: nsap,
  [FieldKind.ATM_ADDRESS]: atmAddress,
  [FieldKind.ADDRESS_SUFFIX]: addressSuffix,
  [FieldKind.PREFIX_NAME]: prefixName,
};

export const CODECS: readonly Codec[] = Object.values(FieldKind).map((kind) => BY_KIND[kind]);
