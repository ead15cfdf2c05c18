/** The verdict on a probe: whether clients can count on encryption, and which points an operator should look at. */
import type { ProbeReport, StreamReport } from './probe-report.js';
import { isDropped } from './starttls-probe.js';

type Facts = Omit<ProbeReport, 'ok' | 'problems' | 'notes' | 'began' | 'ended' | 'milliseconds'>;

/** `ok`: there are no problems. Notes do not matter for it. `now`: milliseconds since 1970. */
export function judgement(
  facts: Facts,
  credentialsGiven: boolean,
  now: number,
): Pick<ProbeReport, 'ok' | 'problems' | 'notes'> {
  const problems = problemsOf(facts, credentialsGiven);
  return { ok: problems.length === 0, problems, notes: notesOf(facts, now) };
}

function problemsOf(facts: Facts, credentialsGiven: boolean): string[] {
  const { udp, tcp, tls, starttls, answers, credentials, signals, cut, zone } = facts;
  const problems: string[] = [];
  const encrypted = tls.works || starttls.works;
  if (![udp, tcp, tls, starttls].some(({ works }) => works)) return ['nothing answers'];
  if (!encrypted) problems.push('no encrypted transport works');
  problems.push(...silentOnPort53(facts));
  const sofar = problems.length;
  if (answers.served === false) problems.push(`the zone ${zone ?? '.'} is not served`);
  for (const { name, type, differences } of answers.questions) {
    for (const { transport, what } of differences) problems.push(`${name} ${type} over ${transport}: ${what}`);
  }
  if (encrypted && !answers.equal && problems.length === sofar)
    problems.push('answers could be compared over no two transports');
  if (encrypted && credentialsGiven && !credentials.accepted)
    problems.push(credentials.objection ?? 'it was not found out whether the certificate is acceptable');
  // One of the names that the server may have is enough.
  const verdicts = credentials.tlsa.map(({ verdict }) => verdict);
  if (verdicts.includes('mismatch') && !verdicts.includes('match'))
    problems.push('the certificate matches none of the TLSA records');
  for (const { owner, validated } of [...credentials.tlsa, ...signals.bindings])
    if (validated === false) problems.push(`the records of ${owner} are not verified by the trust anchor`);
  if (signals.bindings.some(({ verdict }) => verdict === 'mismatch'))
    problems.push('SVCB records promise DNS over TLS, which does not answer');
  if (cut) problems.push('the time was over before everything had been looked at');
  return problems;
}

/** One of UDP and TCP is silent while the other answers: clients begin with UDP, and need TCP for answers that do not fit. */
function silentOnPort53({ udp, tcp, starttls }: Facts): string[] {
  const overTcp = tcp.works || starttls.works;
  if (overTcp && !udp.works)
    return [`no answer over UDP, though over TCP: ${udp.failure?.message ?? 'unknown'}; clients wait seconds for it`];
  if (udp.works && !tcp.works)
    return [`no answer over TCP, which RFC 7766 §5 demands, though over UDP: ${tcp.failure?.message ?? 'unknown'}`];
  return [];
}

function notesOf(facts: Facts, now: number): string[] {
  const { udp, tcp, tls, starttls, edns, answers, credentials, zone } = facts;
  const notes: string[] = [];
  if (zone === undefined) notes.push('no zone was given: only the answers to questions about the root were compared');
  if (tls.works && ![udp, tcp, starttls].some(({ works }) => works))
    notes.push('nothing answers over UDP and TCP: only clients that know of TLS can ask');
  notes.push(...starttlsNotes(facts));
  for (const [name, stream] of Object.entries({ TCP: tcp, STARTTLS: starttls, TLS: tls }))
    notes.push(...sessionNotes(name, stream));
  if (tls.obsolete) notes.push('TLS 1.1 or older is accepted, which RFC 8996 forbids');
  for (const { version, works, failure } of tls.versions ?? []) {
    if (!works) notes.push(`${version} does not work: ${failure?.message ?? 'unknown'}`);
  }
  if (tls.works && tls.withoutAlpn === false) notes.push('clients without ALPN are not served');
  const certificate = tls.certificate ?? starttls.certificate;
  if (certificate !== undefined && certificate.notAfter === undefined)
    notes.push("the certificate's date of expiry is no date");
  else if (certificate?.notAfter !== undefined && Date.parse(certificate.notAfter) < now)
    notes.push(`the certificate has expired at ${certificate.notAfter}`);
  if (credentials.tlsa.some(({ verdict }) => verdict === 'unusable'))
    notes.push('there are TLSA records that no client of DNS over TLS can use: expected usage 3');
  if (edns?.supported === false) notes.push('EDNS is not supported');
  if (edns?.versionOne !== undefined && edns.versionOne !== 'BADVERS')
    notes.push(`EDNS version 1 is answered with ${edns.versionOne}, expected BADVERS`);
  if (edns?.ignoresUnknown === false) notes.push('unknown EDNS options or flags are not ignored');
  if (edns?.absentWithout === false)
    notes.push('answers to queries without EDNS have an OPT record, which RFC 6891 §7 forbids');
  if (edns?.keepsTo512 === false) notes.push('an answer over UDP is longer than the query allows');
  if (answers.served && answers.questions.some(({ type, authoritative }) => type === 'SOA' && !authoritative))
    notes.push(`the server is not authoritative for ${zone ?? '.'}`);
  return notes;
}

/** Notes on an odd upgrade, with the outcomes of the draft's §2.2. */
function starttlsNotes({ tcp, tls, starttls, edns }: Facts): string[] {
  const { mode, dummy, query } = starttls;
  const notes: string[] = [];
  if (mode === 'blocked')
    notes.push(
      'TO is set in answers, but no handshake follows: something blocks it, or the server means CO (RFC 9824)',
    );
  if (mode === 'query') notes.push('STARTTLS works only with real queries, whose names everybody can read');
  // Over UDP the bit says that the server speaks TLS (the draft, §2.1.4.2), be it on a port of its own.
  if (mode === 'off' && edns?.tlsOk && !tls.works)
    notes.push(
      'TO is set in answers over UDP, but not over TCP, and TLS does not work: something takes it out, or the server means CO ' +
        '(RFC 9824)',
    );
  const tried = Object.entries({ 'the dummy query': dummy, 'a real query': query });
  const dropped = tcp.works ? tried.filter(([, attempt]) => attempt !== undefined && isDropped(attempt)) : [];
  const [first, second] = dropped;
  const why = first?.[1]?.failure?.message ?? 'unknown';
  if (second !== undefined)
    notes.push(
      `first queries with TO bring no answer over TCP, those without do (${why}): something drops them, or the server does not ` +
        'ignore an unknown flag (RFC 6891 §6.1.4)',
    );
  else if (first !== undefined) notes.push(`${first[0]} with TO brings no answer over TCP, other queries do (${why})`);
  return notes;
}

/** Milliseconds by which a session may be closed before its time; keepalive is in units of 100 ms. */
const EARLY = 200;

function sessionNotes(name: string, { pipelining, idle, keepalive }: StreamReport): string[] {
  const notes: string[] = [];
  if (pipelining && pipelining.answered < pipelining.asked)
    notes.push(`of ${pipelining.asked} queries sent at once over ${name} ${pipelining.answered} were answered`);
  // A value of 0 asks the client to close; the server may do so itself.
  if (idle?.closed !== undefined && keepalive !== undefined && keepalive > 0 && idle.waited < keepalive - EARLY)
    notes.push(
      `the server closed ${name} after ${seconds(idle.waited)} idle, but had promised ${seconds(keepalive)} by keepalive (RFC 7828)`,
    );
  return notes;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
