/** The capabilities that a probe has found, for clients. */
import type { CapabilityCache, CapabilityKey } from '../capabilities/capabilities.js';
import { isConclusive, isTransportFault } from '../transports/transport-plan.js';
import type { Failure, ProbeReport } from './probe-report.js';

type Facts = Pick<ProbeReport, 'address' | 'port' | 'tlsPort' | 'udp' | 'tcp' | 'tls' | 'starttls'>;

export function remember(facts: Facts, cache: CapabilityCache): void {
  const { address, port, tlsPort, udp, tls, starttls } = facts;
  type Noted = CapabilityKey['transport'];
  const key = (transport: Noted) => ({ transport, address, port: transport === 'tls' ? tlsPort : port });
  // The client has the same rule: a server that does not answer at all may be down for now.
  const alive = [udp, facts.tcp, tls, starttls].some(({ works }) => works);
  const failed = (transport: Noted, failure: Failure | undefined): void => {
    if (failure === undefined || !isTransportFault(failure.code)) return;
    if (alive || isConclusive(transport, failure)) cache.failed(key(transport), failure.code);
  };
  if (udp.works) cache.worked(key('udp'));
  else failed('udp', udp.failure);
  if (tls.works) cache.worked(key('tls'));
  else failed('tls', tls.failure);
  const { mode } = starttls;
  // Clients begin with the dummy query. A server that upgrades only other queries is of no use to them.
  if (mode === 'any' || mode === 'dummy') cache.worked(key('starttls'), mode);
  else failed('starttls', mode === 'query' ? starttls.dummy?.failure : starttls.failure);
}
