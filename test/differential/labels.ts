/** The parts of random names and records. */
import { type Name, nameFromPlain } from './names.js';

export const LABELS = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'www',
  'mail',
  'ns1',
  'ns2',
  '_tcp',
  '_dns',
  'x1',
  'Host',
  'MiXeD',
  'dept',
];
/** Escapes, octets around the letters in ASCII order, octets that are not ASCII, near-wildcards, the longest label. */
export const ODD_LABELS = [
  '\0',
  '\x01\xff',
  'a.b',
  ' ',
  '@',
  '"q"',
  ';',
  '(x)',
  '\\',
  '$',
  '[',
  '{',
  '`',
  '~',
  '-',
  '_',
  '*a',
  'a*',
  '**',
  '0',
  '\xc3\xbc',
  '\xe0',
  '\xc0',
  'L'.repeat(63),
  'm'.repeat(63),
];
export const TTLS = [0, 1, 60, 300, 3600, 86_400, 604_800];
/** Names of no zone that is served. */
export const OUTSIDE: readonly Name[] = ['out.example', 'ns.outside.invalid', 'example', 'test'].map(nameFromPlain);
