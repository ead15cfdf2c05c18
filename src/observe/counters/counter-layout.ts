/**
 * The word of each counter: a block for each transport, then the words of no transport. All follows from the tables of kinds and
 * events: a new kind of answer or a new event gets its words from its row.
 */
import { Kind, Limited, Transport } from '../../answer/facts.js';
import { Family, HandshakeEnd, SessionEnd, SessionEvent, SessionPath } from '../../session/session-end.js';
import { TransportEvent } from '../../transport/transport.js';
import { FOLLOWED_WORDS } from '../clients/followed-clients.js';
import { SKETCH_WORDS } from './client-sketch.js';
import { EDE_LABELS, TYPE_LABELS } from './counted-names.js';
import {
  HANDSHAKE_TIMES,
  histogramWords,
  PAUSES,
  RESPOND_TIMES,
  ROUND_TRIPS,
  SESSION_QUERIES,
  SESSION_TIMES,
  SIZES,
} from './histogram-buckets.js';
import { GROUPS, SUITES } from './tls-suites.js';

/** Bits of the word that counts messages: each combination has a word, so that a message costs one increment. */
export const Flag = { TRUNCATED: 1, EDNS: 2, DNSSEC_OK: 4, WILDCARD: 8, IPV6: 16 } as const;
export const FLAG_WORDS = 32;

export const KINDS = Object.keys(Kind).length;
/** RCODEs counted one by one; higher ones, which we never send, share the last. */
export const RCODES = 24;
const OPCODES = 16;

/** Words of one transport. */
export const FLAGS_AT = 0;
/** Kinds times RCODEs. */
export const ANSWERS_AT = FLAGS_AT + FLAG_WORDS;
/** Messages of opcode QUERY, by type; those of other opcodes are counted by opcode. */
export const TYPES_AT = ANSWERS_AT + KINDS * RCODES;
export const OPCODES_AT = TYPES_AT + TYPE_LABELS.length;
export const EDES_AT = OPCODES_AT + OPCODES;
export const LIMITED_AT = EDES_AT + EDE_LABELS.length;
export const REQUEST_SIZES_AT = LIMITED_AT + Object.keys(Limited).length;
export const RESPONSE_SIZES_AT = REQUEST_SIZES_AT + histogramWords(SIZES);
export const RESPOND_TIMES_AT = RESPONSE_SIZES_AT + histogramWords(SIZES);
/** Octets of padding in responses. */
export const PADDING_AT = RESPOND_TIMES_AT + histogramWords(RESPOND_TIMES);
/** Responses that were padded. */
export const PADDED_AT = PADDING_AT + 1;
/** Octets of requests and of responses of clients with IPv6 addresses; the histograms of sizes have the sums of all. */
export const ASKED_BY_IPV6_AT = PADDED_AT + 1;
export const ANSWERED_TO_IPV6_AT = ASKED_BY_IPV6_AT + 1;
/** Answers that were compared with those over another transport, and those of them that differed. */
export const COMPARED_AT = ANSWERED_TO_IPV6_AT + 1;
export const DIFFERENT_AT = COMPARED_AT + 1;
export const TRANSPORT_WORDS = DIFFERENT_AT + 1;

const TRANSPORTS = Object.keys(Transport).length;

/** Words of no transport. */
export const EVENTS_AT = TRANSPORTS * TRANSPORT_WORDS;
export const SESSION_EVENTS_AT = EVENTS_AT + Object.keys(TransportEvent).length;
/** Words of the sessions of one path with clients of one family, relative to their block. */
export const OPENED_AT = 0;
export const ENDS_AT = OPENED_AT + 1;
export const SESSION_TIMES_AT = ENDS_AT + Object.keys(SessionEnd).length;
export const SESSION_QUERIES_AT = SESSION_TIMES_AT + histogramWords(SESSION_TIMES);
export const RECEIVED_AT = SESSION_QUERIES_AT + histogramWords(SESSION_QUERIES);
export const SENT_AT = RECEIVED_AT + 1;
export const HANDSHAKES_AT = SENT_AT + 1;
export const HANDSHAKE_TIMES_AT = HANDSHAKES_AT + Object.keys(HandshakeEnd).length;
export const SUITES_AT = HANDSHAKE_TIMES_AT + histogramWords(HANDSHAKE_TIMES);
export const GROUPS_AT = SUITES_AT + SUITES.length;
/** Complete handshakes in which the protocol `dot` was agreed on, and those in which the client named the server. */
export const DOT_AT = GROUPS_AT + GROUPS.length;
export const NAMED_AT = DOT_AT + 1;
export const PAUSES_AT = NAMED_AT + 1;
/** Seconds of the turns of connections that were timed, and the number of these turns. */
export const WORK_AT = PAUSES_AT + histogramWords(PAUSES);
export const TIMED_AT = WORK_AT + 1;
/** Of a sample of sessions that had an answer: the round trip, and the time until the first answer. */
export const ROUND_TRIPS_AT = TIMED_AT + 1;
export const FIRST_ANSWERS_AT = ROUND_TRIPS_AT + histogramWords(ROUND_TRIPS);
export const PATH_WORDS = FIRST_ANSWERS_AT + histogramWords(HANDSHAKE_TIMES);

export const FAMILIES = Object.keys(Family).length;
const BLOCKS = Object.keys(SessionPath).length * FAMILIES;
export const PATHS_AT = SESSION_EVENTS_AT + Object.keys(SessionEvent).length;
/** Seconds in which OpenSSL computed handshakes, in the threads that call it themselves. */
export const HANDSHAKE_WORK_AT = PATHS_AT + BLOCKS * PATH_WORDS;

/** The counts of clients that are followed (clients/followed-clients.ts). */
export const FOLLOWED_AT = HANDSHAKE_WORK_AT + 1;

/** Words that are added up over the threads. Behind them stand the sketches of clients, one a transport. */
export const SUMMED_WORDS = FOLLOWED_AT + FOLLOWED_WORDS;
/** Words that the counters take. */
export const COUNTER_WORDS = SUMMED_WORDS + TRANSPORTS * SKETCH_WORDS;
