/** How a server treats EDNS (RFC 6891), and the options that matter to clients, over UDP. */
import { EdnsOption, Type } from '../../protocol/iana.js';
import type { Reply } from '../session/reply.js';
import { EdnsFlag, type EdnsRequest } from '../wire/edns.js';
import { HeaderFlag, type Query } from '../wire/message.js';
import { rcodeToText } from '../wire/mnemonics.js';
import { attempted, overUdp, type ProbeContext } from './probe-context.js';
import type { EdnsReport } from './probe-report.js';

/** An option of the range for local use, which will never have a meaning (RFC 6891 §9). */
const UNKNOWN_OPTION = 65_001;
/** The last flag, which has no meaning. */
const UNKNOWN_FLAG = 0x0001;
/** The usual size before fragments were known to be trouble. Most paths take no more. */
const LARGE = 4096;
const SMALL = 512;
/** Octets of a client cookie (RFC 7873 §4). */
const CLIENT_COOKIE = 8;

export async function ednsReport(context: ProbeContext): Promise<EdnsReport> {
  const ask = async (edns: EdnsRequest | undefined, flags = 0, query: Query = context.question) => {
    const { edns: _, ...bare } = query;
    const done = await attempted(overUdp(context, edns === undefined ? bare : { ...bare, edns }, flags));
    return 'failure' in done ? undefined : done.value;
  };
  const large: Query = { ...context.question, type: Type.DNSKEY };
  const [plain, without, versionOne, unknown, long, short, flagged] = await Promise.all([
    ask({ nsid: true, cookie: true }),
    ask(undefined),
    ask({ version: 1 }),
    ask({ options: [{ code: UNKNOWN_OPTION, data: Buffer.from('probe') }] }, UNKNOWN_FLAG),
    ask({ size: LARGE, dnssec: true }, 0, large),
    ask({ size: SMALL, dnssec: true }, 0, large),
    ask({}, EdnsFlag.TO),
  ]);
  const edns = plain?.message.edns;
  return {
    supported: plain && edns !== undefined,
    size: edns?.size,
    versionOne: versionOne && rcodeToText(versionOne.message.rcode),
    ignoresUnknown: unknown && plain && unknown.message.rcode === plain.message.rcode && !echoes(unknown),
    absentWithout: without && without.message.edns === undefined,
    longest: long && { octets: long.octets.length, truncated: isTruncated(long) },
    keepsTo512: short && short.octets.length <= SMALL,
    cookie: plain && (await cookie(plain, ask)),
    nsid: nsidOf(plain),
    tlsOk: flagged && ((flagged.message.edns?.flags ?? 0) & EdnsFlag.TO) !== 0,
  };
}

const isTruncated = ({ message }: Reply): boolean => (message.flags & HeaderFlag.TC) !== 0;

function echoes({ message }: Reply): boolean {
  const { flags = 0, options = [] } = message.edns ?? {};
  return (flags & UNKNOWN_FLAG) !== 0 || options.some(({ code }) => code === UNKNOWN_OPTION);
}

const optionOf = (reply: Reply | undefined, wanted: number): Buffer | undefined => {
  const option = reply?.message.edns?.options.find(({ code }) => code === wanted);
  return option && Buffer.from(option.data);
};

function nsidOf(reply: Reply | undefined): string | undefined {
  const data = optionOf(reply, EdnsOption.NSID);
  if (data === undefined) return undefined;
  return /^[\x20-\x7e]+$/.test(data.toString('latin1')) ? data.toString('latin1') : data.toString('hex');
}

/** Sends the server's cookie back. A server must accept its own cookie (RFC 7873 §5.2). */
async function cookie(
  plain: Reply,
  ask: (edns: EdnsRequest) => Promise<Reply | undefined>,
): Promise<NonNullable<EdnsReport['cookie']>> {
  const given = optionOf(plain, EdnsOption.COOKIE);
  if (given === undefined || given.length <= CLIENT_COOKIE) return 'none';
  const again = await ask({ cookie: given });
  return again !== undefined && again.message.rcode === plain.message.rcode ? 'taken' : 'given';
}
