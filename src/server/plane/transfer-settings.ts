/** The clients that may transfer each zone, and the limits on transfers: for the threads that answer, plain data. */
import { type PolicyChoice, policyChoice, policyIndex } from '../../config/policy-choice.js';
import type { Config } from '../../config/schema.js';
import { Admission, type ConnectionLimitSettings, ConnectionLimits, type SharedLimits } from '../../session/limits.js';
import { Admittance, type RefusedLines, type TransferReport, ZoneDesk } from '../../transfer/out/zone-desk.js';
import type { Peer } from '../../transfer/peer.js';
import { isRemote, type Remote, remotesOf } from '../remotes.js';

interface TransferRule {
  /** The remotes that may transfer the zone. */
  readonly to: readonly Remote[];
  /** Only inside TLS, on a port of its own (XoT). */
  readonly requireTls: boolean;
}

export interface TransferSettings {
  readonly choice: PolicyChoice;
  /** By number of the policy. */
  readonly rules: readonly TransferRule[];
  readonly limits: ConnectionLimitSettings;
}

/** undefined: nobody may transfer anything. */
export function transferSettings(config: Config): TransferSettings | undefined {
  const { policies } = config.zones;
  if (policies.every(({ transfer }) => transfer === undefined)) return undefined;
  const remotes = remotesOf(config);
  const rules = policies.map(({ transfer }): TransferRule => {
    const to = (transfer?.to ?? []).flatMap((name) => remotes.get(name) ?? []);
    return { to, requireTls: transfer?.require === 'tls' };
  });
  const { max: connections, max_per_peer: connectionsPerClient } = config.transfer;
  return { choice: policyChoice(policies), rules, limits: { connections, connectionsPerClient } };
}

/** Whether the peer may transfer the zone, as nameKey() writes it. */
function admits({ choice, rules }: TransferSettings, zone: string, peer: Peer): Admittance {
  const rule = rules[policyIndex(choice, zone)];
  if (rule === undefined || !rule.to.some((remote) => isRemote(remote, peer))) return Admittance.NO;
  return rule.requireTls && !peer.xot ? Admittance.TLS : Admittance.YES;
}

/** The surroundings of a desk: shared limits, a clock, and the receivers of its reports. */
interface DeskShare {
  readonly shared: SharedLimits;
  /** This thread's transfers (ownShare), in a thread that may die without the others. */
  readonly own: Int32Array | undefined;
  /** Milliseconds of a clock. */
  milliseconds(): number;
  ended(report: TransferReport): void;
  readonly refused: RefusedLines;
}

/** The desk of a thread. */
export function transferDesk(settings: TransferSettings, share: DeskShare): ZoneDesk {
  const limits = new ConnectionLimits(settings.limits, share.shared, share.own);
  return new ZoneDesk({
    admits: (zone, peer) => admits(settings, zone, peer),
    begin: (client) => limits.admit(client, client.length) === Admission.ADMITTED,
    ended(report) {
      limits.release(report.client, report.client.length);
      share.ended(report);
    },
    milliseconds: share.milliseconds,
    refused: share.refused,
  });
}
