/** The shapes of what callers give to the client; what else is demanded of the values stands where they are used. */
import { isUint8Array } from 'node:util/types';
import type { Capability, CapabilityCacheOptions, CapabilityKey, CapabilityTimes } from './capabilities.js';
import type { Verification } from './certificate.js';
import type { ResolveOptions } from './client.js';
import type { EdnsRequest, Option } from './edns.js';
import { ClientErrorCode } from './errors.js';
import type { ProbeOptions } from './probe/probe.js';
import type { ClientOptions, Timeouts } from './settings.js';
import {
  abortSignal,
  atLeastZero,
  callable,
  either,
  ipAddress,
  isNumber,
  isObject,
  isText,
  isTruth,
  listOf,
  MAX_TIME,
  milliseconds,
  objectOf,
  octets,
  oneOf,
  port,
  type Shape,
  type Shapes,
  someText,
  text,
  truth,
  u16,
  whole,
  withMethods,
} from './shape.js';
import type { ClientServer } from './target.js';

type Of<K extends Verification['kind']> = Extract<Verification, { kind: K }>;

const kind = oneOf('none', 'ca', 'pin', 'tlsa');
const pem = either('PEM as text or octets', [isText, text], [isUint8Array, octets]);
const VERIFICATIONS: Readonly<Record<Verification['kind'], Shape>> = {
  none: objectOf<Of<'none'>>({ kind }),
  ca: objectOf<Of<'ca'>>({ kind, ca: pem }),
  pin: objectOf<Of<'pin'>>({ kind, pins: listOf(text) }, ['pins']),
  tlsa: objectOf<Of<'tlsa'>>({ kind, records: listOf(text) }, ['records']),
};

const verification: Shape = (value, place) => {
  // Of an object with other keys, its kind is judged only.
  const given = (value ?? {}) as { readonly kind?: unknown };
  if (typeof value === 'object' && value !== null) kind(given.kind, `${place}.kind`);
  VERIFICATIONS[(given.kind ?? 'none') as Verification['kind']](value, place);
};

const clock = withMethods('now', 'elapsed', 'after');
const capabilityCache = withMethods('get', 'retryAt', 'worked', 'failed');
const whenever = whole(0, MAX_TIME);

const timeouts: Shapes<Timeouts> = {
  total: milliseconds,
  establish: milliseconds,
  headStart: whenever,
  cleartextAfter: whenever,
  answer: milliseconds,
  udp: milliseconds,
};

const times: Shapes<CapabilityTimes> = { persistence: atLeastZero, failure: atLeastZero, damping: atLeastZero };
const maxCapabilities = whole(0, 1_000_000);

export const clientOptions = objectOf<ClientOptions>({
  profile: oneOf('opportunistic', 'pre-deployed'),
  verification,
  order: listOf(oneOf('tls', 'starttls', 'cleartext')),
  timeouts: objectOf(timeouts),
  udpTries: whole(1, 100),
  sessions: objectOf<NonNullable<ClientOptions['sessions']>>({
    maxInFlight: whole(1, 10_000),
    maxConnections: whole(1, 1000),
    idleMs: whenever,
    maxIdleMs: whenever,
    maxServers: whole(1, 100_000),
  }),
  capabilities: objectOf<NonNullable<ClientOptions['capabilities']>>({
    ...times,
    file: someText,
    max: maxCapabilities,
    cache: capabilityCache,
  }),
  onWarning: callable,
  clock,
});

export const cacheOptions = objectOf<CapabilityCacheOptions>(
  { now: callable, times: objectOf(times), max: maxCapabilities },
  ['now'],
);

const encrypted = oneOf('tls', 'starttls');
export const capabilityKey = objectOf<CapabilityKey>({ transport: encrypted, address: ipAddress, port }, [
  'transport',
  'address',
  'port',
]);

export const failureCode = oneOf(...Object.values(ClientErrorCode));
export const capability = objectOf<Capability>(
  {
    status: oneOf('works', 'fails'),
    since: atLeastZero,
    last: atLeastZero,
    failures: atLeastZero,
    reason: failureCode,
    mode: oneOf('any', 'dummy'),
  },
  ['status', 'since', 'last', 'failures'],
);

/** Programs hand over what they know of a server, be it more. */
const server = objectOf<ClientServer>(
  { address: someText, port, tlsPort: port, name: someText, verification },
  ['address'],
  true,
);

const edns: Shapes<EdnsRequest> = {
  size: u16,
  version: whole(0, 255),
  dnssec: truth,
  nsid: truth,
  cookie: either('true, false or octets: a Uint8Array or Buffer', [isTruth, truth], [isUint8Array, octets]),
  keepalive: truth,
  padding: u16,
  options: listOf(objectOf<Option>({ code: u16, data: octets }, ['code', 'data'])),
};

export const question = objectOf<ResolveOptions>(
  {
    server: either('an address, or an object with one', [isText, someText], [isObject, server]),
    name: text,
    type: either('a type as text or number', [isText, someText], [isNumber, u16]),
    class: u16,
    recursion: truth,
    checkingDisabled: truth,
    edns: objectOf(edns),
    timeoutMs: milliseconds,
    signal: abortSignal,
  },
  ['server', 'name', 'type'],
);

export const probeOptions = objectOf<ProbeOptions>(
  {
    server: someText,
    port,
    tlsPort: port,
    zone: someText,
    name: someText,
    verification,
    stepMs: milliseconds,
    idleMs: whenever,
    totalMs: milliseconds,
    capabilities: capabilityCache,
    clock,
  },
  ['server'],
);
