/** The check of certificates with keys that resolvers cannot know yet, for `adotd check`. */
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import { silentLog } from '../../observe/log.js';
import { type Certificate, readCertificate } from '../../tls/certificates.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { PinRollover } from '../certificates/pin-rollover.js';
import { ServedPairs } from '../certificates/served-pairs.js';
import type { PlaceOf } from '../policies.js';

/** `table`: the keys that were published, as the state in `folder` has them; `now`: seconds since 1970. */
export function pinMistakes(
  { tls }: Config,
  folder: string,
  table: ReadonlyMap<string, Uint8Array>,
  now: number,
  placeOf: PlaceOf,
): Diagnostic[] {
  if (!tls.enabled || table.size === 0) return [];
  const indexes = new Map(tls.certificates.flatMap((files, index) => readable(files).map((one) => [one, index])));
  const [first, ...others] = indexes.keys();
  if (first === undefined) return [];
  const rollover = new PinRollover({
    table: {
      keys: () => [...table.keys()],
      get: (name) => table.get(name),
      put: async () => undefined,
      remove: async () => undefined,
    },
    pairs: new ServedPairs(folder, silentLog),
    clock: { seconds: () => now },
    log: silentLog,
  });
  const certificates = [first, ...others] as const;
  const pairs = certificates.map((certificate) => ({ files: certificate, state: 'served' as const, certificate }));
  const admitted = rollover.admit({ certificates, pairs }, undefined);
  const held = admitted.pairs.flatMap(({ waiting }) => waiting ?? []);
  const diagnostic = (certificate: Certificate, message: string): Diagnostic => {
    return { ...placeOf(['tls', 'certificates', indexes.get(certificate) ?? 0, 'cert']), severity: 'warning', message };
  };
  return [
    ...held.map((one) =>
      diagnostic(
        one,
        `${one.certFile} has another key than TLSA records promise: the certificate before is served until the record of this one has been out for two TTLs`,
      ),
    ),
    ...rollover.problems.map((problem) => diagnostic(first, problem)),
  ];
}

/** A certificate that cannot be read is told of elsewhere. */
function readable({ cert: certFile, key: keyFile }: { readonly cert: string; readonly key: string }): Certificate[] {
  try {
    return [readCertificate({ certFile, keyFile })];
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return [];
  }
}
