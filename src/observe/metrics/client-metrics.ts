/** Metrics of the clients that are followed (clients/followed-clients.ts). All are 0 with `report.enabled: false`. */
import { Transport } from '../../answer/facts.js';
import { Followed, Try } from '../clients/followed-clients.js';
import type { Counters } from '../counters/counters.js';
import type { Metric, MetricsInput } from './metric.js';

const TRANSPORTS = Object.entries(Transport).map(([name, value]) => [name.toLowerCase(), value] as const);
const STREAMS = TRANSPORTS.filter(([, transport]) => transport !== Transport.UDP);
const NAMES = '`udp`, `tcp`, `starttls`, `tls`';

/** A series for each of these label values, from the counts at these places. */
function counted(series: readonly (readonly [labels: readonly string[], at: number])[]) {
  return ({ server }: MetricsInput) => {
    const { followed }: Counters = server.counters;
    return series.map(([labels, at]) => [labels, followed[at]!] as const);
  };
}

export const CLIENT_METRICS: readonly Metric[] = [
  {
    name: 'adotd_client_moves_total',
    type: 'counter',
    help: 'Messages that came over another transport than the message before from the same client. Clients are followed for a day at most, and a sample of them where there are many.',
    labels: { from: NAMES, to: 'the same' },
    read: counted(
      TRANSPORTS.flatMap(([from, one]) =>
        TRANSPORTS.filter(([to]) => to !== from).map(
          ([to, other]) => [[from, to], Followed.MOVES + one * TRANSPORTS.length + other] as const,
        ),
      ),
    ),
  },
  {
    name: 'adotd_tls_clients_total',
    type: 'counter',
    help: 'Clients that tried TLS, each once a day: that had a handshake of any end, a complete one, or began another one after the first had ended.',
    labels: { did: '`try`, `complete`, `come_back`' },
    read: counted([
      [['try'], Followed.TRIES + Try.TRIED],
      [['complete'], Followed.TRIES + Try.COMPLETE],
      [['come_back'], Followed.TRIES + Try.AGAIN],
    ]),
  },
  {
    name: 'adotd_truncated_answers_followed_total',
    type: 'counter',
    help: 'Answers with TC over UDP to clients that are followed.',
    read: counted([[[], Followed.RETRIES]]),
  },
  {
    name: 'adotd_truncated_answers_retried_total',
    type: 'counter',
    help: 'Of these, how many a query of the same client on a stream followed within ten seconds.',
    labels: { transport: STREAMS.map(([name]) => `\`${name}\``).join(', ') },
    read: counted(STREAMS.map(([name, transport]) => [[name], Followed.RETRIES + transport] as const)),
  },
];
