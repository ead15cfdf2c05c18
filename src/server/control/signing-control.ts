/**
 * Signing, as the control interface has it:
 *
 *   GET  /dnssec, /dnssec/NAME   DnssecStatus[], DnssecStatus
 *   POST /dnssec/NAME            { costs?, waits?, made? }; { command, … }: the fields of SigningCommand
 *   POST /dnssec/NAME/keys       { keys: ExportedKey[] }: private keys too
 *
 * A key is named by its id, or by its tag where only one key of the zone has it.
 */
import * as z from 'zod/mini';
import { bindKeyStem, toBindPrivate, toBindPublic } from '../../dnssec/keys/bind-key.js';
import { keyFromPem, keyToPem, type SigningKey } from '../../dnssec/keys/signing-key.js';
import type { KeyRole } from '../../dnssec/rollover/key-state.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import { nameFromText, zoneKey } from '../../protocol/name.js';
import type { RollOutcome } from '../signing/signing-commands.js';
import type { DnssecStatus } from '../signing/signing-status.js';
import { ControlError } from './control-http.js';
import { canonical, parsed } from './control-input.js';

/** A key with its role. */
interface RoleKey {
  readonly role: KeyRole;
  readonly key: SigningKey;
}

/** Signs the zones of a server. Commands are durable, and in effect, when they are fulfilled; they reject with coded errors. */
export interface SigningControl {
  readonly known: {
    /** Keys of the names of zones that are signed here, are to be, or once were. */
    names(): Iterable<string>;
    status(zone: string): DnssecStatus | undefined;
  };
  roll(
    zone: string,
    order: { readonly role?: KeyRole | undefined; readonly id?: string | undefined; readonly compromised?: boolean },
  ): Promise<RollOutcome>;
  dsSeen(zone: string, id: string, isThere: boolean): Promise<void>;
  freeze(zone: string, isFrozen: boolean): Promise<void>;
  start(zone: string): Promise<void>;
  /** Fulfilled with the number of signatures that were made. */
  sign(zone: string, isClockRight: boolean): Promise<number>;
  importKeys(zone: string, keys: readonly RoleKey[]): Promise<void>;
  exportKeys(zone: string): readonly (RoleKey & { readonly id: string })[];
}

/** A key for other programs; with its private part. */
export interface ExportedKey {
  readonly id: string;
  readonly role: KeyRole;
  /** Name of its files for BIND, without their suffix. */
  readonly stem: string;
  /** Texts of the files `.key` and `.private` for BIND, and of a PEM file (PKCS#8). */
  readonly public: string;
  readonly private: string;
  readonly pem: string;
}

const role = z.enum(['csk', 'ksk', 'zsk']);
const keyName = z.string().check(z.minLength(1), z.maxLength(64));

const command = z.discriminatedUnion('command', [
  z.strictObject({
    command: z.literal('roll'),
    key: z.optional(keyName),
    role: z.optional(role),
    compromised: z.optional(z.boolean()),
  }),
  z.strictObject({ command: z.enum(['ds-seen', 'ds-gone']), key: keyName }),
  z.strictObject({ command: z.literal('sign'), clockIsRight: z.optional(z.boolean()) }),
  z.strictObject({ command: z.enum(['freeze', 'thaw', 'start']) }),
  z.strictObject({
    command: z.literal('import'),
    keys: z
      .array(z.strictObject({ role, algorithm: z.int(), pem: z.string().check(z.maxLength(20_000)), file: z.string() }))
      .check(z.minLength(1), z.maxLength(32)),
  }),
]);

/** A command as `adotd ctl dnssec` sends it. */
export type SigningCommand = z.input<typeof command>;

/** Answers a request. `words`: parts of the path behind `dnssec`. Rejects with ControlError and coded errors. */
export async function signingRequest(
  signing: SigningControl | undefined,
  method: 'GET' | 'POST',
  [name, part, ...rest]: readonly string[],
  body: unknown,
): Promise<unknown> {
  if (signing === undefined)
    throw new ControlError(404, 'NOT_FOUND', 'this server signs no zones: expected `state` in its configuration');
  if (rest.length > 0 || (part !== undefined && (part !== 'keys' || method === 'GET')))
    throw new ControlError(404, 'NOT_FOUND', `found ${part}, expected keys, by POST`);
  if (name === undefined || name === '') {
    if (method === 'POST') throw new ControlError(404, 'NO_ZONE', 'expected the name of a zone');
    return Array.from(signing.known.names(), (zone) => signing.known.status(zone)).filter((one) => one !== undefined);
  }
  const zone = zoneKey(canonical(name));
  if (part === 'keys') return { keys: exported(signing, zone) };
  return method === 'GET' ? statusOf(signing, zone) : obey(signing, zone, body);
}

function statusOf(signing: SigningControl, zone: string): DnssecStatus {
  const status = signing.known.status(zone);
  if (status !== undefined) return status;
  const remedy = 'its policy needs `dnssec`, as in zones.policies: [{ zones: [NAME], dnssec: default }]';
  throw new ControlError(404, 'NO_ZONE', `${zone} is not signed by this server: ${remedy}`);
}

async function obey(signing: SigningControl, zone: string, body: unknown): Promise<object> {
  const given = parsed(command, body);
  if (given.command === 'import') {
    await signing.importKeys(
      zone,
      given.keys.map(({ role: own, algorithm, pem, file }) => {
        return { role: own, key: keyFromPem(pem, algorithm, own !== 'zsk', file) };
      }),
    );
    return {};
  }
  const status = statusOf(signing, zone);
  switch (given.command) {
    case 'roll': {
      const { key, role: own, compromised = false } = given;
      return signing.roll(zone, { role: own, id: key && idOf(status, key), compromised });
    }
    case 'ds-seen':
    case 'ds-gone':
      await signing.dsSeen(zone, idOf(status, given.key), given.command === 'ds-seen');
      return {};
    case 'freeze':
    case 'thaw':
      await signing.freeze(zone, given.command === 'freeze');
      return {};
    case 'sign':
      return { made: await signing.sign(zone, given.clockIsRight ?? false) };
    case 'start':
      await signing.start(zone);
      return {};
  }
}

/** The id of a key that is named by its id or its tag. Throws ADOTD_DNSSEC_KEY. */
function idOf({ zone, keys }: DnssecStatus, name: string): string {
  const meant = keys.filter(({ id, tag }) => id === name || String(tag) === name);
  const [first] = meant;
  if (first !== undefined && meant.length === 1) return first.id;
  const known = keys.map(({ id, role: own, tag }) => `${tag} (${own.toUpperCase()}, ${id})`).join(', ') || 'none';
  const found = meant.length > 1 ? `${meant.length} keys ${name}` : `no key ${name}`;
  throw new AdotdError(ErrorCode.DNSSEC_KEY, `found ${found} of ${zone}, expected the tag or the id of one: ${known}`);
}

function exported(signing: SigningControl, zone: string): ExportedKey[] {
  statusOf(signing, zone);
  const apex = nameFromText(zone);
  return signing.exportKeys(zone).map(({ id, role: own, key }) => ({
    id,
    role: own,
    stem: bindKeyStem(apex, key),
    public: toBindPublic(apex, key, EXPORTED_TTL),
    private: toBindPrivate(key),
    pem: keyToPem(key),
  }));
}

/** Seconds: TTL of the DNSKEY record in exported files; programs that import them have one of their own. */
const EXPORTED_TTL = 3600;
