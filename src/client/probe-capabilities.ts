/** What a probe has learnt, as clients remember it. */
import type { CapabilityCache, EncryptedTransport } from './capabilities.js';
import type { ProbeReport } from './probe-report.js';

export function remember(
  facts: Pick<ProbeReport, 'address' | 'port' | 'tlsPort' | 'tls' | 'starttls'>,
  cache: CapabilityCache,
): void {
  const { address, port, tlsPort, tls, starttls } = facts;
  const key = (transport: EncryptedTransport) => ({ transport, address, port: transport === 'tls' ? tlsPort : port });
  if (tls.works) cache.worked(key('tls'));
  else if (tls.failure !== undefined) cache.failed(key('tls'), tls.failure.code);
  const { mode, failure } = starttls;
  // A client begins with the dummy query where names must not be seen: what upgrades only other queries is of no use to it.
  if (mode === 'any' || mode === 'dummy') cache.worked(key('starttls'), mode);
  else if (mode !== 'query' && failure !== undefined) cache.failed(key('starttls'), failure.code);
}
