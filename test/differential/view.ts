/** An answer as the comparison sees it: RRsets by key. Normalisation removes the parts that may differ. */
import type { Answer, Section } from './answer.js';

type Rrsets = Map<string, string>;

export interface View {
  rcode: number;
  aa: boolean;
  /** RD, RA, Z, AD and CD. */
  flags: number;
  question: string;
  /** Size, version, DO, other flags, options; '' without OPT. */
  edns: string;
  answer: Rrsets;
  authority: Rrsets;
  additional: Rrsets;
}

export const SECTIONS = ['answer', 'authority', 'additional'] as const;

/** A record that stands twice in an RRset, as in a loop, counts once (compare.ts faults our own repetitions). */
function rrsets(section: Section): Rrsets {
  const out: Rrsets = new Map();
  for (const [key, { ttls, rdata }] of section) out.set(key, `${ttls.join('/')} ${[...new Set(rdata)].join(' | ')}`);
  return out;
}

export function viewOf(answer: Answer): View {
  const { edns } = answer;
  const options = edns?.options.join(',') ?? '';
  return {
    rcode: answer.rcode,
    aa: answer.aa,
    flags: answer.otherFlags,
    question: answer.question,
    edns: edns ? `${edns.size} v${edns.version} ${edns.dnssecOk ? 'DO' : ''} ${edns.otherFlags} [${options}]` : '',
    answer: rrsets(answer.answer),
    authority: rrsets(answer.authority),
    additional: rrsets(answer.additional),
  };
}

/** The differences between two views; an empty list when there is none. */
export function differences(ours: View, theirs: View): string[] {
  const out: string[] = [];
  for (const field of ['rcode', 'aa', 'flags', 'edns'] as const) {
    if (ours[field] !== theirs[field]) out.push(`${field}: ${ours[field]} / ${theirs[field]}`);
  }
  if (ours.question !== theirs.question) out.push('question');
  for (const section of SECTIONS) {
    for (const [key, value] of ours[section]) {
      const other = theirs[section].get(key);
      if (other === undefined) out.push(`${section}: only ours has ${key}`);
      else if (other !== value) out.push(`${section}: ${key} differs`);
    }
    for (const key of theirs[section].keys()) {
      if (!ours[section].has(key)) out.push(`${section}: only theirs has ${key}`);
    }
  }
  return out;
}

/** The kind of a difference without its names, to count the same ones together. */
export function kindOf(difference: string): string {
  return difference.replace(/has \S+ /, 'has ').replace(/: \S+ (\S+) differs$/, ': $1 differs');
}

/** An answer for humans. */
export function showAnswer(answer: Answer): string {
  const flag = (set: boolean, name: string): string => (set ? ` ${name}` : '');
  const edns = answer.edns;
  const head = `rcode ${answer.rcode}${flag(answer.aa, 'AA')}${flag(answer.tc, 'TC')} flags ${answer.otherFlags.toString(16)} ${answer.length} octets`;
  const lines = [`${head}${edns ? ` EDNS ${edns.size}${flag(edns.dnssecOk, 'DO')}` : ''}`];
  for (const section of SECTIONS) {
    for (const [key, { ttls, rdata }] of answer[section]) {
      const shown = rdata.slice(0, 4).map((text) => text.replace(/[^ -~]/g, '?').slice(0, 120));
      lines.push(`  ${section} ${key} ttl ${ttls.join('/')} ×${rdata.length}: ${shown.join(' | ')}`);
    }
  }
  return lines.join('\n');
}
