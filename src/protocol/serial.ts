/** Serial number arithmetic (RFC 1982), as serials of SOA records are compared (RFC 1034 §4.3.5). */

/**
 * Whether serial `b` comes after `a`; both are 32-bit unsigned numbers. §3.2 leaves open which of two serials 2^31 apart is
 * later: here neither is.
 */
export function isLaterSerial(a: number, b: number): boolean {
  const ahead = (b - a) | 0;
  return ahead > 0;
}
