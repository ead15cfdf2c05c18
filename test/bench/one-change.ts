/** The next version of a zone file of which a change is measured. */

/** SOA records in one line, up to the serial. */
const BEFORE_SERIAL = /^(\S+(?: \d+)?(?: IN)? SOA \S+ \S+ )(\d+)(?= )/m;

/** The text with the next serial, and one more address. Throws when it finds no SOA record in one line. */
export function withOneChange(text: string): string {
  if (!BEFORE_SERIAL.test(text)) throw new Error('found no SOA record in one line');
  const next = text.replace(BEFORE_SERIAL, (_, before: string, serial: string) => `${before}${Number(serial) + 1}`);
  return `${next}\nbench-change A 192.0.2.1\n`;
}
