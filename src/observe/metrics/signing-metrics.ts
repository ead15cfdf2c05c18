/** Metrics of zones that are signed here. */
import { type Metric, single } from './metric.js';
import { CLOCK_DIRECTIONS, KEY_PHASES, KEY_ROLES, SIGNING_STATES, SIGNING_WORKS } from './signing-facts.js';

const listed = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

const WORK = {
  work: `${listed(SIGNING_WORKS)}. \`change\`: its records have changed. \`renewal\`: signatures were due, or keys are others. \`whole\`: all were made`,
};

export const SIGNING_METRICS: readonly Metric[] = [
  {
    name: 'adotd_dnssec_zones',
    type: 'gauge',
    help: 'Zones that are signed here, are to be, or once were. `waiting`: it may not be signed yet. `leaving`: it is to be unsigned. `failed`: it could not be signed, and what was signed before is served. Those whose keys stand still by command are counted as `frozen` as well, and as `bogus` those that have DS records, but none of a key of theirs.',
    labels: { state: listed(SIGNING_STATES) },
    read: ({ server: { signing } }) => SIGNING_STATES.map((state) => [[state], signing.zones[state]] as const),
  },
  {
    name: 'adotd_dnssec_keys',
    type: 'gauge',
    help: 'Keys of these zones. `coming`: it is to be used, and resolvers may not know all of its records yet. `going`: it is to disappear, and resolvers may still need it.',
    labels: { role: listed(KEY_ROLES), phase: listed(KEY_PHASES) },
    read: ({ server: { signing } }) =>
      KEY_ROLES.flatMap((role) => KEY_PHASES.map((phase) => [[role, phase], signing.keys[role][phase]] as const)),
  },
  {
    name: 'adotd_dnssec_parent_waits',
    type: 'gauge',
    help: 'Keys whose DS record the parent has to publish or to remove before anything else happens. `adotd ctl dnssec status` says which.',
    read: ({ server: { signing } }) => single(signing.parentWaits),
  },
  {
    name: 'adotd_dnssec_ds_seen',
    type: 'gauge',
    help: 'Keys whose DS record all servers of the parent have, as far as they were asked or somebody has said so.',
    read: ({ server: { signing } }) => single(signing.dsSeen),
  },
  {
    name: 'adotd_dnssec_signatures_due_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the first signatures made here are to be renewed. In the past: they are not. Absent without any.',
    read: ({ server: { signing } }) => single(signing.signaturesDue),
  },
  {
    name: 'adotd_dnssec_next_step_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When there is something to do next for a zone that is signed here: a key, a signature, a look at the parent. Absent without any.',
    read: ({ server: { signing } }) => single(signing.next),
  },
  {
    name: 'adotd_dnssec_failures_total',
    type: 'counter',
    help: 'Attempts to sign a zone that failed. The log says why; they are repeated.',
    read: ({ server: { signing } }) => single(signing.failures),
  },
  {
    name: 'adotd_dnssec_signatures_made_total',
    type: 'counter',
    help: 'Signatures made for versions of zones that were to be served.',
    labels: WORK,
    read: ({ server: { signing } }) => SIGNING_WORKS.map((work) => [[work], signing.made[work]] as const),
  },
  {
    name: 'adotd_dnssec_signing_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time that it took to make a signed version of a zone: changing it, signing, compiling, and waiting for a thread that does so. Storing and publishing come after that.',
    labels: WORK,
    read: ({ server: { signing } }) => SIGNING_WORKS.map((work) => [[work], signing.times[work]] as const),
  },
  {
    name: 'adotd_dnssec_clock_sets_total',
    type: 'counter',
    help: 'How often the clock was set by more than a minute while zones are signed here, or the machine slept. Back: no key moves before the clock has caught up. Forward: keys wait as long as they have to.',
    labels: { direction: listed(CLOCK_DIRECTIONS) },
    read: ({ server: { signing } }) =>
      CLOCK_DIRECTIONS.map((direction) => [[direction], signing.clockSets[direction]] as const),
  },
];
