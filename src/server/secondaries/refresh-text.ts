/** The lines of the log about refreshes. Each names the zone, the event and its reason. */

/** A version has expired. `since`: seconds since a primary confirmed it. */
export function expiryText(zone: string, serial: number | undefined, since: number, error: string | undefined): string {
  const reason = error === undefined ? '' : `; last: ${error}`;
  const confirmed = `no primary confirmed serial ${serial} for ${since} s`;
  return `zone ${zone} has expired: ${confirmed}; it is answered with SERVFAIL${reason}`;
}

/** A round has failed. `failures`: such rounds in a row. */
export function failureText(
  zone: string,
  serial: number | undefined,
  failures: number,
  error: string | undefined,
): string {
  const has = serial === undefined ? 'it has never been transferred' : `serial ${serial} stays`;
  return `zone ${zone}: no primary could be used (${failures} in a row), ${has}: ${error}`;
}
