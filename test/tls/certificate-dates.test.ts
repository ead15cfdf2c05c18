import { describe, expect, it } from 'vitest';
import { dateNote, isValidAt, nextChange } from '../../src/tls/certificate-dates.js';
import { DAY } from './support.js';

const START = Date.UTC(2030, 0, 1);
const at = (days: number): Date => new Date(START + days * DAY);
/** Valid for 90 days. */
const certificate = { certFile: 'a.pem', notBefore: at(0), notAfter: at(90) };

describe('a certificate', () => {
  it('is valid from its first moment on, and not any more at its last', () => {
    const moments = [START - 1, START, START + 90 * DAY - 1, START + 90 * DAY];
    expect(moments.map((moment) => isValidAt(certificate, new Date(moment)))).toEqual([false, true, true, false]);
  });

  it('is warned of within 30 days of its end', () => {
    expect(dateNote(certificate, at(60))).toBeUndefined();
    expect(dateNote(certificate, at(60.1))).toEqual({
      severity: 'warning',
      message: 'certificate a.pem expires at 2030-04-01T00:00:00.000Z, in 29 days',
    });
    expect(dateNote(certificate, at(88.5))?.message).toMatch(/, in 1 day$/);
  });

  it('is an error before its time and after it, with what it means', () => {
    expect(dateNote(certificate, at(90))).toEqual({
      severity: 'error',
      message: expect.stringMatching(
        /^certificate a\.pem expired at 2030-04-01T00:00:00\.000Z: it is served .* renew it$/,
      ),
    });
    expect(dateNote(certificate, at(-1))).toEqual({
      severity: 'error',
      message: expect.stringMatching(
        /^certificate a\.pem is not valid before 2030-01-01T\S+Z: .* is the clock right\?$/,
      ),
    });
  });

  it('changes next when the first of several becomes valid or expires', () => {
    const later = { notBefore: at(30), notAfter: at(120) };
    const moments = [-1, 0, 30, 90, 120].map((days) => nextChange([certificate, later], at(days)));
    expect(moments).toEqual([at(0), at(30), at(90), at(120), undefined]);
    expect(nextChange([], at(0))).toBeUndefined();
  });
});
