/** The octets of a valid IPv6 address. */
export function addressOctets(text: string): Buffer {
  const plain = text.replace(/([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : new Array<number>(8 - before.length - after.length).fill(0);
  const octets = Buffer.alloc(16);
  for (const [i, group] of [...before, ...zeros, ...after].entries()) octets.writeUInt16BE(group, i * 2);
  return octets;
}
