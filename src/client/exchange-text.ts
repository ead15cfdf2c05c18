/** The outcome of an exchange, in dig's layout and as plain objects for JSON. */
import { Opcode } from '../protocol/iana.js';
import type { Exchange } from './session/exchange.js';
import { EdnsFlag, optionText } from './wire/edns.js';
import { HeaderFlag, type Message, type Question, type ResourceRecord } from './wire/message.js';
import { classToText, opcodeToText, optionToText, rcodeToText, typeToText } from './wire/mnemonics.js';

const FLAGS = ['QR', 'AA', 'TC', 'RD', 'RA', 'AD', 'CD'] as const;

function flagNames(message: Message): string[] {
  return FLAGS.filter((name) => (message.flags & HeaderFlag[name]) !== 0).map((name) => name.toLowerCase());
}

function ednsFlagNames(flags: number): string[] {
  const names: string[] = [];
  if ((flags & EdnsFlag.DO) !== 0) names.push('do');
  if ((flags & EdnsFlag.TO) !== 0) names.push('to');
  const others = flags & ~(EdnsFlag.DO | EdnsFlag.TO);
  if (others !== 0) names.push(`0x${others.toString(16).padStart(4, '0')}`);
  return names;
}

/** A record as a line of a zone file. */
export function recordToText(record: ResourceRecord): string {
  const { name, ttl, data } = record;
  return `${name}\t${ttl}\t${classToText(record.class)}\t${typeToText(record.type)}\t${data}`.trimEnd();
}

function questionToText(question: Question): string {
  return `;${question.name}\t\t${classToText(question.class)}\t${typeToText(question.type)}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `;; ${title} SECTION:`, ...lines];
}

/** Titles of the sections: an UPDATE calls them otherwise (RFC 2136 §2). */
const SECTIONS = ['QUESTION', 'ANSWER', 'AUTHORITY'] as const;
const UPDATE_SECTIONS = ['ZONE', 'PREREQUISITE', 'UPDATE'] as const;

/** The message in dig's layout, without a line break at the end. */
export function messageToText(message: Message): string {
  const { questions, answers, authority, additional, edns } = message;
  const status = rcodeToText(message.rcode);
  const optRecords = edns === undefined ? 0 : 1;
  const lines = [
    `;; ->>HEADER<<- opcode: ${opcodeToText(message.opcode)}, status: ${status}, id: ${message.id}`,
    `;; flags: ${flagNames(message).join(' ')}; QUERY: ${questions.length}, ANSWER: ${answers.length}, ` +
      `AUTHORITY: ${authority.length}, ADDITIONAL: ${additional.length + optRecords}`,
  ];
  if (edns !== undefined) {
    const flags = ednsFlagNames(edns.flags)
      .map((name) => ` ${name}`)
      .join('');
    lines.push('', ';; OPT PSEUDOSECTION:', `; EDNS: version: ${edns.version}, flags:${flags}; udp: ${edns.size}`);
    lines.push(...edns.options.map((option) => `; ${optionText(option)}`));
  }
  const [first, second, third] = message.opcode === Opcode.UPDATE ? UPDATE_SECTIONS : SECTIONS;
  lines.push(
    ...section(first, questions.map(questionToText)),
    ...section(second, answers.map(recordToText)),
    ...section(third, authority.map(recordToText)),
    ...section('ADDITIONAL', additional.map(recordToText)),
  );
  return lines.join('\n');
}

const TRANSPORTS = { udp: 'UDP', tcp: 'TCP', starttls: 'TCP, STARTTLS', tls: 'TLS' } as const;

/** The lines about the transport, below the message. */
export function transportToText(done: Exchange): string {
  const { server, tls, times, upgrade } = done;
  const at = server.address.includes(':') ? `[${server.address}]` : server.address;
  const note = done.truncatedOverUdp
    ? ' (the answer over UDP was truncated)'
    : done.encrypted
      ? ''
      : ' (not encrypted)';
  const steps = [
    ...(times.connect === undefined ? [] : [`connect ${milliseconds(times.connect)}`]),
    ...(times.upgrade === undefined ? [] : [`upgrade ${milliseconds(times.upgrade)}`]),
    ...(times.handshake === undefined ? [] : [`handshake ${milliseconds(times.handshake)}`]),
    `answer ${milliseconds(times.answer)}`,
  ];
  const lines = [`;; SERVER: ${at}#${server.port} (${TRANSPORTS[done.transport]})${note}`];
  if (upgrade !== undefined) {
    const answer = rcodeToText(upgrade.reply.message.rcode);
    const texts = upgrade.reply.message.answers.map(({ data }) => ` ${data}`).join('');
    lines.push(`;; UPGRADE: ${upgrade.offered ? 'offered' : 'not offered'}; first answer ${answer}${texts}`);
  }
  if (tls !== undefined) {
    const alpn = tls.alpn === undefined ? 'no ALPN' : `ALPN ${tls.alpn}`;
    lines.push(`;; TLS: ${tls.version}, ${tls.cipher}, ${alpn}, ${tls.resumed ? 'resumed' : 'full handshake'}`);
    if (tls.certificate !== undefined) {
      const { subject, names, notAfter, pin } = tls.certificate;
      lines.push(
        `;; CERTIFICATE: ${subject || 'no subject'}; ${names.join(', ') || 'no names'}; until ${notAfter ?? 'no date'}`,
      );
      lines.push(`;; PIN: ${pin ?? 'no key that can be read'} (${VERIFIED[tls.verified]})`);
    }
  }
  lines.push(`;; TIME: ${steps.join(', ')}`);
  lines.push(`;; WHEN: ${new Date(done.began).toISOString()}`);
  lines.push(`;; MSG SIZE  sent: ${done.sent} rcvd: ${done.octets.length}`);
  return lines.join('\n');
}

const VERIFIED = {
  none: 'not verified',
  ca: 'verified by its authority and name',
  pin: 'verified by its pin',
  tlsa: 'verified by a TLSA record',
} as const;

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function recordToJson(record: ResourceRecord): object {
  const { name, ttl, data } = record;
  return { name, ttl, class: classToText(record.class), type: typeToText(record.type), data };
}

/** A message as an object of plain values. */
export function messageToJson(message: Message): object {
  const { id, edns } = message;
  return {
    id,
    opcode: opcodeToText(message.opcode),
    rcode: rcodeToText(message.rcode),
    flags: flagNames(message),
    question: message.questions.map((q) => ({ name: q.name, class: classToText(q.class), type: typeToText(q.type) })),
    answer: message.answers.map(recordToJson),
    authority: message.authority.map(recordToJson),
    additional: message.additional.map(recordToJson),
    edns: edns && {
      version: edns.version,
      size: edns.size,
      flags: ednsFlagNames(edns.flags),
      options: edns.options.map(({ code, data }) => ({
        code,
        name: optionToText(code),
        data: Buffer.from(data).toString('hex'),
      })),
    },
  };
}

/** An exchange as an object of plain values; times are in milliseconds, `began` is a time of day in UTC (ISO 8601). */
export function exchangeToJson(done: Exchange): object {
  const { transport, server, began, encrypted, times, tls, upgrade, truncatedOverUdp } = done;
  return {
    transport,
    server,
    began: new Date(began).toISOString(),
    encrypted,
    truncatedOverUdp,
    upgrade: upgrade && { offered: upgrade.offered, answer: messageToJson(upgrade.reply.message) },
    tls,
    times,
    size: { sent: done.sent, received: done.octets.length },
    message: messageToJson(done.message),
  };
}
