/**
 * The dates of certificates. A date never keeps a certificate from being served: clients that encrypt opportunistically do not look at it,
 * and without a certificate the server would not start. It decides which of two certificates is served.
 */
import type { Certificate } from './certificates.js';

const DAY = 86_400_000;
/** Days before the expiry at which warnings begin: as ACME clients renew. */
export const EXPIRY_WARNING_DAYS = 30;

type Dates = Pick<Certificate, 'notBefore' | 'notAfter'>;

/** Whether `now` is within the validity of a certificate. */
export function isValidAt({ notBefore, notAfter }: Dates, now: Date): boolean {
  return notBefore <= now && now < notAfter;
}

/** A line about the dates of a certificate: an error outside its validity, a warning near its end; undefined otherwise. */
export function dateNote(
  { certFile, notBefore, notAfter }: Dates & Pick<Certificate, 'certFile'>,
  now: Date,
): { readonly severity: 'error' | 'warning'; readonly message: string } | undefined {
  const consequence = 'it is served all the same, and clients that verify it refuse it';
  if (notAfter <= now) {
    const message = `certificate ${certFile} expired at ${notAfter.toISOString()}: ${consequence}; renew it`;
    return { severity: 'error', message };
  }
  if (notBefore > now) {
    const message = `certificate ${certFile} is not valid before ${notBefore.toISOString()}: ${consequence} until then; is the clock right?`;
    return { severity: 'error', message };
  }
  const left = Math.floor((notAfter.getTime() - now.getTime()) / DAY);
  if (left >= EXPIRY_WARNING_DAYS) return undefined;
  const days = `${left} ${left === 1 ? 'day' : 'days'}`;
  return {
    severity: 'warning',
    message: `certificate ${certFile} expires at ${notAfter.toISOString()}, in ${days}`,
  };
}

/** The first moment after `now` at which one of these certificates becomes valid or expires; undefined if there is none. */
export function nextChange(certificates: readonly Dates[], now: Date): Date | undefined {
  const moments = certificates.flatMap(({ notBefore, notAfter }) => [notBefore, notAfter]).filter((date) => date > now);
  return moments.sort((a, b) => a.getTime() - b.getTime())[0];
}
