/** The verdict on a probe: whether clients can count on encryption, and which points an operator should look at. */
import type { ProbeReport } from './probe-report.js';

type Facts = Omit<ProbeReport, 'ok' | 'problems' | 'notes' | 'milliseconds'>;

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
  const { udp, tcp, tls, starttls, answers, credentials, cut, zone } = facts;
  const problems: string[] = [];
  const encrypted = tls.works || starttls.works;
  if (![udp, tcp, tls, starttls].some(({ works }) => works)) return ['nothing answers'];
  if (!encrypted) problems.push('no encrypted transport works');
  if (answers.served === false) problems.push(`the zone ${zone ?? '.'} is not served`);
  for (const { name, type, differences } of answers.questions) {
    for (const { transport, what } of differences) problems.push(`${name} ${type} over ${transport}: ${what}`);
  }
  if (encrypted && !answers.equal && problems.length === 0)
    problems.push('answers could be compared over no two transports');
  if (encrypted && credentialsGiven && !credentials.accepted)
    problems.push(credentials.objection ?? 'it was not found out whether the certificate is acceptable');
  // One of the names that the server may have is enough.
  const verdicts = credentials.tlsa.map(({ verdict }) => verdict);
  if (verdicts.includes('mismatch') && !verdicts.includes('match'))
    problems.push('the certificate matches none of the TLSA records');
  if (cut) problems.push('the time was over before everything had been looked at');
  return problems;
}

function notesOf(facts: Facts, now: number): string[] {
  const { udp, tcp, tls, starttls, edns, answers, credentials, zone } = facts;
  const notes: string[] = [];
  if (zone === undefined) notes.push('no zone was given: only the answers to questions about the root were compared');
  if (udp.works && !tcp.works) notes.push('there is UDP but no TCP, which RFC 7766 demands');
  if (starttls.mode === 'blocked')
    notes.push(
      'TO is set in answers, but no handshake follows: something blocks it, or the server means CO (RFC 9824)',
    );
  if (starttls.mode === 'query') notes.push('STARTTLS works only with real queries, whose names everybody can read');
  for (const [name, { pipelining }] of Object.entries({ TCP: tcp, STARTTLS: starttls, TLS: tls })) {
    if (pipelining && pipelining.answered < pipelining.asked)
      notes.push(`of ${pipelining.asked} queries sent at once over ${name} ${pipelining.answered} were answered`);
  }
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
