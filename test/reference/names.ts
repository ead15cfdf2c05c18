/** Domain names of the reference engine: arrays of labels, the leftmost first, without the root. Slow and obvious. */
import { labelsOf, nameFromText, nameToText } from '../support/names.js';

/** Labels as strings of one character an octet, in the letter case in which they were written. */
export type Name = readonly string[];

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

/** Folds A–Z only: the other octets of a label have no case (RFC 4343 §3). */
export function lower(label: string): string {
  return label.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function nameOf(text: string): Name {
  return fromWire(nameFromText(text));
}

export function fromWire(wire: Uint8Array): Name {
  return labelsOf(wire).map(latin1);
}

export function toWire(name: Name): Uint8Array {
  return Uint8Array.from([...name.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]), 0]);
}

export function textOf(name: Name): string {
  return nameToText(toWire(name));
}

/** Equal for equal names, in any letter case. */
export function keyOf(name: Name): string {
  return textOf(name.map(lower));
}

function same(a: Name, b: Name): boolean {
  return keyOf(a) === keyOf(b);
}

/** Whether `name` is `ancestor` or below it. */
export function isWithin(name: Name, ancestor: Name): boolean {
  return name.length >= ancestor.length && same(name.slice(name.length - ancestor.length), ancestor);
}

/** Canonical order (RFC 4034 §6.1): label by label from the right, octets compared in lower case. */
export function compareNames(a: Name, b: Name): number {
  const x = a.map(lower).reverse();
  const y = b.map(lower).reverse();
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = Buffer.compare(Buffer.from(x[i] ?? '', 'latin1'), Buffer.from(y[i] ?? '', 'latin1'));
    if (order !== 0) return order;
  }
  return x.length - y.length;
}
