/**
 * The one list of what the comparison forgives: where an RFC leaves a choice, or PROTOCOL.md decides otherwise than a
 * peer does. Each entry says why, with its clause, and takes from the views no more than that.
 */
import type { Answer } from './decode.js';
import type { Query } from './queries.js';
import { T } from './types.js';
import type { View } from './view.js';

export interface Comparison {
  readonly query: Query;
  readonly peer: string;
  readonly oursFull: Answer;
  readonly theirsFull: Answer;
}

export interface Rule {
  readonly name: string;
  readonly clause: string;
  readonly reason: string;
  /** Changes the two views so that what is allowed to differ is equal; returns whether it changed anything. */
  apply?(ours: View, theirs: View, comparison: Comparison): boolean;
}

export const RULES: readonly Rule[] = [
  {
    name: 'letter case and order',
    clause: 'RFC 4343 §3, RFC 2181 §5, RFC 1035 §4.1.4',
    reason:
      'Names compare case-insensitively, compression may change their case, an RRset is a set: done by the decoder.',
  },
  {
    name: 'EDNS options',
    clause: 'RFC 8914 §2, RFC 6891 §6.1.2',
    reason: 'No option was asked for; extended errors are diagnostics and every server words them as it likes.',
    apply(ours, theirs) {
      const strip = (edns: string): string => edns.replace(/ \[.*\]$/, '');
      const changed = strip(ours.edns) !== ours.edns || strip(theirs.edns) !== theirs.edns;
      ours.edns = strip(ours.edns);
      theirs.edns = strip(theirs.edns);
      return changed;
    },
  },
  {
    name: 'subset of types',
    clause: 'RFC 8482 §4.1, PROTOCOL.md "Answers": ANY, QTYPE RRSIG',
    reason:
      'ANY and RRSIG may be answered with any subset of the RRsets at the name: only those both chose are compared.',
    apply(ours, theirs, { query }) {
      if (query.type !== T.ANY && query.type !== T.RRSIG) return false;
      if (ours.answer.size === 0 || theirs.answer.size === 0) return false;
      for (const key of [...ours.answer.keys()]) if (!theirs.answer.has(key)) ours.answer.delete(key);
      for (const key of [...theirs.answer.keys()]) if (!ours.answer.has(key)) theirs.answer.delete(key);
      return true;
    },
  },
];
