/**
 * Whether a server gives the same answers over all its transports, as RFC 9539 §3 expects. The RCODE, AA and the records of the
 * answer section are compared, in any order; if that section is empty, the records of the authority section. TTLs of answers that
 * are not authoritative are not compared, because caches count them down; nor is the additional section, which depends on room.
 */
import { Type } from '../../protocol/iana.js';
import { ClientErrorCode } from '../errors.js';
import { recordToText } from '../exchange-text.js';
import type { Transport } from '../session/connect.js';
import { HeaderFlag, type Message, type Query } from '../wire/message.js';
import { rcodeToText, typeToText } from '../wire/mnemonics.js';
import type { Channel } from './channel.js';
import { attempted, EDNS } from './probe-context.js';
import type { AnswersReport, Failure, QuestionReport } from './probe-report.js';

/** The questions that are compared. `hosts`: names of nameservers, which the zone may have. */
export function questionsAbout(zone: string | undefined, hosts: readonly string[]): Query[] {
  if (zone === undefined) return [Type.SOA, Type.NS].map((type) => ({ name: '.', type, edns: EDNS }));
  // The last name hardly exists, so that a denial is compared too.
  const missing = `adotd-probe.${zone === '.' ? '' : zone}`;
  const apex = [Type.SOA, Type.NS, Type.A, Type.TXT, Type.DNSKEY].map((type) => ({ name: zone, type }));
  const addresses = hosts.flatMap((name) => [Type.A, Type.AAAA].map((type) => ({ name, type })));
  return [...apex, ...addresses, { name: missing, type: Type.A }].map((query) => ({ ...query, edns: EDNS }));
}

type Asked = { readonly transport: Transport } & ({ readonly message: Message } | { readonly failure: Failure });

export async function compareAnswers(
  channels: readonly Channel[],
  zone: string | undefined,
  hosts: readonly string[],
): Promise<AnswersReport> {
  const questions: QuestionReport[] = [];
  let served: boolean | undefined;
  await Promise.all(
    questionsAbout(zone, hosts).map(async (query, index) => {
      let asked = await askAll(channels, query);
      // The zone may just have changed: a difference counts if it is there twice.
      if (differences(asked).length > 0) asked = await askAll(channels, query);
      questions[index] = questionReport(query, asked);
      if (zone !== undefined && query.type === Type.SOA && asked.some((one) => 'message' in one))
        served = asked.some((one) => 'message' in one && hasSoa(one.message));
    }),
  );
  const compared = Math.max(0, ...questions.map((question) => question.compared.length));
  return {
    equal: compared > 1 && questions.every((question) => question.differences.length === 0),
    served,
    questions,
  };
}

const hasSoa = ({ answers }: Message): boolean => answers.some(({ type }) => type === Type.SOA);
const has = (message: Message, flag: number): boolean => (message.flags & flag) !== 0;

async function askAll(channels: readonly Channel[], query: Query): Promise<Asked[]> {
  const all = channels.map(async ({ transport, ask }): Promise<Asked> => {
    const done = await attempted(ask(query));
    return 'failure' in done ? { transport, ...done } : { transport, message: done.value.message };
  });
  return Promise.all(all);
}

/** The answers that can be compared. A transport that had no time left is not among them. */
function comparable(asked: readonly Asked[]): Asked[] {
  return asked.filter((one) =>
    'message' in one ? !has(one.message, HeaderFlag.TC) : one.failure.code !== ClientErrorCode.ABORTED,
  );
}

function differences(asked: readonly Asked[]): { transport: Transport; what: string }[] {
  const all = comparable(asked);
  const base = all.find((one) => 'message' in one);
  if (base === undefined || !('message' in base)) return [];
  return all.flatMap((one) => {
    const what = 'failure' in one ? `no answer (${one.failure.code})` : difference(base.message, one.message);
    return what === undefined ? [] : [{ transport: one.transport, what }];
  });
}

function questionReport(query: Query, asked: readonly Asked[]): QuestionReport {
  const compared = comparable(asked);
  const base = compared.find((one) => 'message' in one);
  const message = base !== undefined && 'message' in base ? base.message : undefined;
  return {
    name: query.name,
    type: typeToText(query.type),
    rcode: message && rcodeToText(message.rcode),
    authoritative: message !== undefined && has(message, HeaderFlag.AA),
    compared: compared.map(({ transport }) => transport),
    truncated: asked.flatMap((one) => ('message' in one && has(one.message, HeaderFlag.TC) ? [one.transport] : [])),
    differences: differences(asked),
  };
}

/** How `other` differs from `base`; undefined if it does not. */
export function difference(base: Message, other: Message): string | undefined {
  if (base.rcode !== other.rcode) return `${rcodeToText(other.rcode)}, not ${rcodeToText(base.rcode)}`;
  const [wanted, found] = [base, other].map((message) => has(message, HeaderFlag.AA));
  if (wanted !== found) return found ? 'authoritative' : 'not authoritative';
  const [expected, got] = [base, other].map(recordsOf);
  const missing = [...(expected ?? [])].filter((record) => !got?.has(record));
  const extra = [...(got ?? [])].filter((record) => !expected?.has(record));
  const parts = [...missing.map((record) => `without ${record}`), ...extra.map((record) => `with ${record}`)];
  return parts.length === 0 ? undefined : parts.map((part) => part.replaceAll('\t', ' ')).join('; ');
}

/** The records as text. The letter case of the owner does not count (RFC 4343). */
function recordsOf(message: Message): ReadonlySet<string> {
  const cached = !has(message, HeaderFlag.AA);
  const records = message.answers.length > 0 ? message.answers : message.authority;
  return new Set(
    records.map((record) => recordToText({ ...record, name: record.name.toLowerCase(), ttl: cached ? 0 : record.ttl })),
  );
}
