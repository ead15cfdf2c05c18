/** The TLS of a server: versions, resumption, and clients without ALPN. */
import { connect, type TLSSocket } from 'node:tls';
import type { TlsOptions } from '../session/tls-connection.js';
import { readable } from '../trust/public-key.js';
import { attempted, EDNS, open, type ProbeContext, serverOf } from './probe-context.js';
import type { TlsReport, VersionReport } from './probe-report.js';
import { resumedBy } from './session-probe.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Tries versions one after the other, on connections of their own: servers may limit the connections of a client. */
export async function tlsDetails(
  context: ProbeContext,
): Promise<Pick<TlsReport, 'versions' | 'obsolete' | 'withoutAlpn'>> {
  const versions: VersionReport[] = [];
  for (const version of VERSIONS) versions.push(await versionReport(context, version));
  const obsolete = await takesObsolete(context);
  const bare = await attempted(exchanged(context, { alpn: [] }));
  // If the time was over, failures say nothing about the server.
  if (context.signal.aborted) return {};
  return { versions, obsolete, withoutAlpn: 'value' in bare };
}

/** Opens a session, asks and closes. Returns whether the next session resumes it. */
async function exchanged(context: ProbeContext, tls: TlsOptions): Promise<boolean | undefined> {
  const opened = await open(context, 'tls', { tls });
  try {
    const { stepMs: timeoutMs, signal } = context;
    await opened.session.ask({ ...context.question, edns: EDNS }, { timeoutMs, signal });
    return await resumedBy(opened, (ticket) => open(context, 'tls', { tls: { ...tls, ticket } }));
  } finally {
    opened.session.destroy();
  }
}

async function versionReport(context: ProbeContext, version: VersionReport['version']): Promise<VersionReport> {
  const done = await attempted(exchanged(context, { minVersion: version, maxVersion: version }));
  return 'failure' in done
    ? { version, works: false, failure: done.failure }
    : { version, works: true, resumed: done.value };
}

/**
 * Whether a handshake with TLS 1.1 or older succeeds. Only this handshake offers insecure versions, and nothing is asked after it.
 * Undefined if no time was left, or if our OpenSSL cannot offer them.
 */
function takesObsolete(context: ProbeContext): Promise<boolean | undefined> {
  const { address, port } = serverOf(context, 'tls');
  const { clock, stepMs, signal, name } = context;
  if (signal.aborted) return Promise.resolve(undefined);
  const begin = (): TLSSocket =>
    connect({
      host: address,
      port,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      // Otherwise OpenSSL itself refuses the digests of these versions.
      ciphers: 'DEFAULT@SECLEVEL=0',
      rejectUnauthorized: false,
      ALPNProtocols: ['dot'],
      ...(name !== undefined && { servername: name }),
    });
  return new Promise((resolve) => {
    const socket = readable(begin);
    // This OpenSSL was built without these versions.
    if (socket === undefined) return resolve(undefined);
    const done = (result: boolean | undefined): void => {
      stop();
      signal.removeEventListener('abort', late);
      socket.destroy();
      resolve(result);
    };
    const late = (): void => done(undefined);
    const stop = clock.after(stepMs, late);
    signal.addEventListener('abort', late, { once: true });
    socket.once('secureConnect', () => done(true));
    socket.once('close', () => done(false));
    socket.on('error', () => done(false));
  });
}
