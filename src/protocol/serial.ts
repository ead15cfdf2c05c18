/** Serial number arithmetic (RFC 1982), as serials of SOA records are compared (RFC 1034 §4.3.5). */

/**
 * Whether serial `b` comes after `a`; both are 32-bit unsigned numbers. Of two that are 2^31 apart §3.2 leaves it open: here
 * neither comes after the other.
 */
export function isLaterSerial(a: number, b: number): boolean {
  const ahead = (b - a) | 0;
  return ahead > 0;
}
