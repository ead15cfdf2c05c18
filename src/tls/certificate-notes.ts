/** Notes for the operator about the certificates that are served: dates, names, and certificates that nobody ever gets. */

import { dateNote } from './certificate-dates.js';
import { certificateSets } from './certificate-sets.js';
import type { Certificate } from './certificates.js';
import { ServerNames } from './sni.js';

/** A line about a certificate. */
export interface CertificateNote {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly certificate: Certificate;
}

/** Names that one line lists. */
const LISTED = 3;

/**
 * The notes on certificates, the default one first. `nameservers`: the names in the NS records of the zones, absolute; when there is none,
 * names are not looked at.
 */
export function certificateNotes(
  certificates: readonly [Certificate, ...Certificate[]],
  nameservers: readonly string[],
  now: Date,
): CertificateNote[] {
  const notes: CertificateNote[] = [];
  for (const certificate of certificates) {
    for (const message of certificate.warnings) notes.push({ severity: 'warning', message, certificate });
    const date = dateNote(certificate, now);
    if (date !== undefined) notes.push({ ...date, certificate });
    if (nameservers.length > 0 && !namesAny(certificate, nameservers)) {
      notes.push({ severity: 'warning', message: foreign(certificate, nameservers), certificate });
    }
  }
  for (const { certificate, instead } of certificateSets(certificates).unserved) {
    const message =
      `certificate ${certificate.certFile} is never served: all of its names are those of ${instead.certFile}, ` +
      `whose key is of the same kind (${certificate.keyType}); remove one of them, or get one for another kind of key`;
    notes.push({ severity: 'warning', message, certificate });
  }
  return notes;
}

function namesAny({ names }: Certificate, nameservers: readonly string[]): boolean {
  const own = new ServerNames<true>();
  own.add(names, true);
  return nameservers.some((nameserver) => own.find(nameserver) !== undefined);
}

function foreign({ certFile, names }: Certificate, nameservers: readonly string[]): string {
  const its = names.length === 0 ? 'it has no names' : `it is for ${listed(names)}`;
  const wanted = listed([...new Set(nameservers)]);
  return `certificate ${certFile} names no nameserver of any zone: ${its}, and the zones name ${wanted}; clients that verify names refuse it`;
}

/** `a, b, c and 4 more`. */
function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
