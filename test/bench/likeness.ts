/** Whether servers that are compared do the same work: their answers to a sample of questions. */
import { type Answer, readAnswer, type Section } from '../differential/answer.js';
import { Exchange } from '../differential/exchange.js';
import { buildQuery } from '../support/message.js';
import { LOOPBACK } from '../support/peers/server.js';
import type { Load } from './dnsperf.js';
import type { Question } from './worlds.js';

export interface Likeness {
  readonly server: string;
  readonly asked: number;
  /** Answers with another RCODE, AA, TC or answer section than adotd's, and the first of them. */
  readonly different: number;
  readonly example: string | undefined;
  /** Answers whose other sections differ: minimal responses leave a choice. */
  readonly otherSections: number;
  /** Mean octets of its answers. */
  readonly octets: number;
}

interface Server {
  readonly name: string;
  readonly port: number;
}

/** The answers of each server, beside those of the first. */
export async function likeness(
  servers: readonly Server[],
  questions: readonly Question[],
  edns: Load['edns'],
): Promise<Likeness[]> {
  const [first, ...all] = await Promise.all(servers.map((server) => answersOf(server, questions, edns)));
  return [first ?? [], ...all].map((answers, index) => ({
    server: servers[index]?.name ?? '',
    ...compareAnswers(questions, first ?? [], answers),
  }));
}

/** Compares two servers' answers to the same questions. */
export function compareAnswers(
  questions: readonly Question[],
  expected: readonly Answer[],
  found: readonly Answer[],
): Omit<Likeness, 'server'> {
  let different = 0;
  let otherSections = 0;
  let example: string | undefined;
  for (const [index, theirs] of found.entries()) {
    const ours = expected[index];
    if (ours === undefined) continue;
    const [a, b] = [essence(ours), essence(theirs)];
    if (a !== b) {
      different++;
      example ??= `${questions[index]?.join(' ')}: expected ${a}, found ${b}`;
    } else if (rest(ours) !== rest(theirs)) otherSections++;
  }
  const octets = found.reduce((sum, { length }) => sum + length, 0) / Math.max(1, found.length);
  return { asked: found.length, different, example, otherSections, octets };
}

async function answersOf(server: Server, questions: readonly Question[], edns: Load['edns']): Promise<Answer[]> {
  const exchange = await Exchange.open({ ...server, address: LOOPBACK });
  try {
    const asked = questions.map(([name, type]) => {
      const query = buildQuery({
        name: `${name}.`,
        type,
        ...(edns && { edns: { dnssecOk: edns === 'DO', udpSize: 4096 } }),
      });
      return exchange.ask(query, false);
    });
    return (await Promise.all(asked)).map(readAnswer);
  } finally {
    exchange.close();
  }
}

/** The parts that must be equal. A server may choose what it sends in a truncated answer (RFC 2181 §9). */
function essence(answer: Answer): string {
  const flags = `RCODE ${answer.rcode}${answer.aa ? ' AA' : ''}${answer.tc ? ' TC' : ''}`;
  return answer.tc ? flags : `${flags} ${sectionText(answer.answer)}`;
}

function rest(answer: Answer): string {
  return answer.tc ? '' : `${sectionText(answer.authority)} / ${sectionText(answer.additional)}`;
}

function sectionText(section: Section): string {
  const rrsets = [...section].map(
    ([key, { ttls, rdata }]) => `${key} ${ttls} ${Buffer.from(rdata.join(), 'latin1').toString('hex')}`,
  );
  return rrsets.sort().join(', ');
}
