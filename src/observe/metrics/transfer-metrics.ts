/** Metrics of zone transfers to secondaries, and of catalogs. */
import { TransferEnd } from '../../answer/transfer/transfer-end.js';
import { type Metric, single } from './metric.js';
import { CATALOG_STATES } from './server-facts.js';

const FORMS = ['axfr', 'ixfr'] as const;
const RESULTS = ['acknowledged', 'refused', 'failed'] as const;
const ENDS = Object.values(TransferEnd);

export const TRANSFER_METRICS: readonly Metric[] = [
  {
    name: 'adotd_transfers_out_total',
    type: 'counter',
    help: 'Zone transfers to secondaries that have ended. IXFR that has the form of AXFR counts as `axfr`; answers of one SOA record are not counted.',
    labels: { form: '`axfr`, `ixfr`', end: ENDS.map((end) => `\`${end}\``).join(', ') },
    read: ({ server: { transfers } }) =>
      FORMS.flatMap((form) => ENDS.map((end) => [[form, end], transfers.ends[`${form} ${end}`] ?? 0] as const)),
  },
  {
    name: 'adotd_transfers_out_open',
    type: 'gauge',
    help: 'Zone transfers to secondaries under way.',
    read: ({ server }) => single(server.transfers.open),
  },
  {
    name: 'adotd_transfers_out_limit',
    type: 'gauge',
    help: 'The most zone transfers to secondaries at once (`transfer.max`); further ones get SERVFAIL. 0: nobody may transfer anything.',
    read: ({ server }) => single(server.transfers.limit),
  },
  {
    name: 'adotd_transfer_out_records_total',
    type: 'counter',
    help: 'Records sent in zone transfers that have ended.',
    read: ({ server }) => single(server.transfers.records),
  },
  {
    name: 'adotd_transfer_out_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Octets of DNS messages sent in zone transfers that have ended.',
    read: ({ server }) => single(server.transfers.octets),
  },
  {
    name: 'adotd_notify_messages_total',
    type: 'counter',
    help: 'NOTIFY messages sent, those that were sent again among them.',
    read: ({ server }) => single(server.notifies.sent),
  },
  {
    name: 'adotd_notify_out_total',
    type: 'counter',
    help: 'New versions of zones that others were told of (NOTIFY). `refused`: the answer was another than NOERROR. `failed`: no answer came, and the attempts are over.',
    labels: { result: RESULTS.map((result) => `\`${result}\``).join(', ') },
    read: ({ server }) => RESULTS.map((result) => [[result], server.notifies[result]] as const),
  },
  {
    name: 'adotd_notify_pending',
    type: 'gauge',
    help: 'Others that are to be told of new versions of zones, and have not answered yet.',
    read: ({ server }) => single(server.notifies.pending),
  },
  {
    name: 'adotd_catalog_members',
    type: 'gauge',
    help: 'Zones that are served because a consumed catalog has them as members.',
    labels: { catalog: 'name of the catalog zone' },
    read: ({ server }) => server.catalogs.map(({ zone, members }) => [[zone], members] as const),
  },
  {
    name: 'adotd_catalog_state',
    type: 'gauge',
    help: '1 for the current state of a consumed catalog, 0 for the others. `waiting`: it has lost most of its members, and nobody has accepted that. `absent`: it was never transferred, or has expired. In all states but `followed` nothing changes.',
    labels: { catalog: 'name of the catalog zone', state: CATALOG_STATES.map((state) => `\`${state}\``).join(', ') },
    read: ({ server }) =>
      server.catalogs.flatMap((catalog) =>
        CATALOG_STATES.map((state) => [[catalog.zone, state], catalog.state === state ? 1 : 0] as const),
      ),
  },
];
