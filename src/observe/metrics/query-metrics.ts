/** Metrics of messages: queries and responses. */
import { Kind, Limited, Transport } from '../../answer/facts.js';
import { Ede, Opcode, Rcode } from '../../protocol/iana.js';
import { Family } from '../../session/session-end.js';
import { EDE_LABELS, OTHER, TYPE_LABELS } from '../counters/counted-names.js';
import { Flag, RCODES } from '../counters/counter-layout.js';
import type { Counters } from '../counters/counters.js';
import type { HistogramValue } from '../counters/histogram-buckets.js';
import { rcodeName } from '../counters/summary.js';
import { LOOKED_AT, SAMPLE } from '../counters/timed-responder.js';
import type { Metric, MetricsInput } from './metric.js';

const TRANSPORTS = Object.entries(Transport).map(([name, value]) => [name.toLowerCase(), value] as const);
const FAMILIES = Object.entries(Family).map(([name, value]) => [name.toLowerCase(), value] as const);
const TRANSPORT = {
  transport: '`udp`, `tcp` (cleartext), `starttls` (TLS on a connection that began in cleartext), `tls`',
};

const OPCODES: readonly (readonly [string, number])[] = Object.entries(Opcode);
const KNOWN_OPCODES = new Set(OPCODES.map(([, value]) => value));
const OTHER_OPCODES = Array.from({ length: 16 }, (_, opcode) => opcode).filter((opcode) => !KNOWN_OPCODES.has(opcode));
const KNOWN_RCODES = new Set<number>(Object.values(Rcode));
const KINDS = Object.entries(Kind).filter(([, kind]) => kind !== Kind.DROPPED);

/** A series for each transport. */
function byTransport<Value>(read: (counters: Counters, transport: Transport) => Value) {
  return ({ server }: MetricsInput) =>
    TRANSPORTS.map(([name, transport]) => [[name], read(server.counters, transport)] as const);
}

/** A series for each transport and each value of `values`. */
function byTransportAnd(values: (counters: Counters, transport: Transport) => Iterable<readonly [string, number]>) {
  return ({ server: { counters } }: MetricsInput) =>
    TRANSPORTS.flatMap(([name, transport]) =>
      [...values(counters, transport)].map(([label, value]) => [[name, label], value] as const),
    );
}

export const QUERY_METRICS: readonly Metric[] = [
  {
    name: 'adotd_requests_total',
    type: 'counter',
    help: 'Messages received, including messages that got no response.',
    labels: { ...TRANSPORT, family: '`ipv4`, `ipv6`' },
    read: byTransportAnd((counters, transport) => {
      const ipv6 = counters.flagged(transport, Flag.IPV6);
      return [
        ['ipv4', counters.flagged(transport, 0) - ipv6],
        ['ipv6', ipv6],
      ];
    }),
  },
  {
    name: 'adotd_requests_by_opcode_total',
    type: 'counter',
    help: 'Messages received whose header was accepted.',
    labels: { ...TRANSPORT, opcode: 'mnemonic, or `other`' },
    read: byTransportAnd((counters, transport) => [
      ...OPCODES.map(([name, opcode]) => [name, counters.opcode(transport, opcode)] as const),
      [OTHER, OTHER_OPCODES.reduce((sum, opcode) => sum + counters.opcode(transport, opcode), 0)],
    ]),
  },
  {
    name: 'adotd_queries_total',
    type: 'counter',
    help: 'Messages of opcode QUERY by QTYPE.',
    labels: {
      ...TRANSPORT,
      type: `mnemonic of one of ${TYPE_LABELS.length - 2} types, \`other\`, or \`none\` (no question)`,
    },
    read: byTransportAnd((counters, transport) =>
      TYPE_LABELS.map((label, index) => [label, counters.type(transport, index)] as const),
    ),
  },
  {
    name: 'adotd_requests_with_edns_total',
    type: 'counter',
    help: 'Requests with an OPT record that got a response.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.flagged(transport, Flag.EDNS)),
  },
  {
    name: 'adotd_requests_with_dnssec_ok_total',
    type: 'counter',
    help: 'Requests with the DO bit that got a response.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.flagged(transport, Flag.DNSSEC_OK)),
  },
  {
    name: 'adotd_responses_total',
    type: 'counter',
    help: 'Responses by RCODE.',
    labels: { ...TRANSPORT, rcode: 'mnemonic, or `RCODE11` and the like' },
    read: byTransportAnd(function* (counters, transport) {
      for (let rcode = 0; rcode < RCODES; rcode++) {
        const value = counters.rcode(transport, rcode);
        if (value > 0 || KNOWN_RCODES.has(rcode)) yield [rcodeName(rcode), value];
      }
    }),
  },
  {
    name: 'adotd_responses_by_kind_total',
    type: 'counter',
    help: 'Responses by kind of answer.',
    labels: { ...TRANSPORT, kind: KINDS.map(([name]) => `\`${name.toLowerCase()}\``).join(', ') },
    read: byTransportAnd((counters, transport) =>
      KINDS.map(([name, kind]) => [name.toLowerCase(), counters.kind(transport, kind)] as const),
    ),
  },
  {
    name: 'adotd_requests_dropped_total',
    type: 'counter',
    help: 'Messages that got no response: they were no queries, or the rate limit dropped the response.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.kind(transport, Kind.DROPPED)),
  },
  {
    name: 'adotd_responses_truncated_total',
    type: 'counter',
    help: 'Responses with the TC bit.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.flagged(transport, Flag.TRUNCATED)),
  },
  {
    name: 'adotd_responses_by_wildcard_total',
    type: 'counter',
    help: 'Responses made from a wildcard.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.flagged(transport, Flag.WILDCARD)),
  },
  {
    name: 'adotd_extended_errors_total',
    type: 'counter',
    help: 'Extended DNS errors (RFC 8914) of responses, including those of requests without an OPT record, which are not sent.',
    labels: { ...TRANSPORT, code: `INFO-CODE: ${Object.values(Ede).join(', ')}, or \`other\`` },
    read: byTransportAnd((counters, transport) =>
      EDE_LABELS.map((label, index) => [label, counters.ede(transport, index)] as const),
    ),
  },
  {
    name: 'adotd_rate_limited_total',
    type: 'counter',
    help: 'UDP responses that exceeded the rate limit.',
    labels: { action: '`dropped`, `slipped` (sent truncated), `logged` (sent, because the mode is `log`)' },
    read: ({ server }) =>
      Object.entries(Limited)
        .filter(([, limited]) => limited !== Limited.NONE)
        .map(([name, limited]) => [[name.toLowerCase()], server.counters.limited(Transport.UDP, limited)] as const),
  },
  {
    name: 'adotd_clients',
    type: 'gauge',
    help: 'Clients (IPv4 addresses, IPv6 networks of 56 bits) of the last ten to twenty minutes: an estimate within some percent. Over UDP, addresses can be forged.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.clients(transport)),
  },
  {
    name: 'adotd_answers_compared_total',
    type: 'counter',
    help: `Answers that were made again as for another transport, and compared: 1 message in ${SAMPLE * LOOKED_AT}. OPT, and what limits of size have left out, is not compared.`,
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.comparisons(transport).compared),
  },
  {
    name: 'adotd_answers_different_total',
    type: 'counter',
    help: 'Of these, those that were not the same. There should be none; the log names one an hour.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.comparisons(transport).different),
  },
  {
    name: 'adotd_message_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Octets of DNS messages without length field, TLS and network headers: requests (`in`) and responses (`out`).',
    labels: { ...TRANSPORT, family: '`ipv4`, `ipv6`', direction: '`in`, `out`' },
    read: ({ server: { counters } }) =>
      TRANSPORTS.flatMap(([name, transport]) =>
        FAMILIES.flatMap(([label, family]) => [
          [[name, label, 'in'], counters.asked(transport, family)] as const,
          [[name, label, 'out'], counters.answered(transport, family)] as const,
        ]),
      ),
  },
  {
    name: 'adotd_responses_padded_total',
    type: 'counter',
    help: 'Responses that were padded (RFC 7830).',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.padded(transport)),
  },
  {
    name: 'adotd_padding_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Octets that padding (RFC 7830) has added to responses.',
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.padding(transport)),
  },
  sizes('adotd_request_size_bytes', 'requests', (counters, transport) => counters.requestSizes(transport)),
  sizes('adotd_response_size_bytes', 'responses', (counters, transport) => counters.responseSizes(transport)),
  {
    name: 'adotd_respond_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: `Time that a response takes to compose, without waiting and sending. Each thread measures 1 message in ${SAMPLE}.`,
    labels: TRANSPORT,
    read: byTransport((counters, transport) => counters.respondTimes(transport)),
  },
];

function sizes(name: string, what: string, read: (counters: Counters, transport: Transport) => HistogramValue): Metric {
  return {
    name,
    type: 'histogram',
    unit: 'bytes',
    help: `Octets of ${what}: the DNS message without length field, TLS and network headers.`,
    labels: TRANSPORT,
    read: byTransport(read),
  };
}
