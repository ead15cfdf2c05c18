/** Chooses the way that TCP and TLS run: on epoll, or on node. */
import type { Config } from '../../config/schema.js';
import { tlsSelfTest } from '../../tls/openssl/self-test.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import { streamsObstacle } from '../../transport/epoll/stream-self-test.js';
import type { StreamPath } from './data-plane.js';

/** Tries out streams and TLS on epoll; each returns why epoll cannot serve them. */
interface Trials {
  streams(): string | undefined;
  tls(settings: TlsSettings): Promise<string | undefined>;
}

const TRIALS: Trials = { streams: () => streamsObstacle(), tls: (settings) => tlsSelfTest(settings) };

/**
 * The way that streams run, by the configuration, the settings of TLS (undefined: it is not served), and trials on this machine.
 * `obstacle`: why it is not epoll, where that was wanted. `trials`: others in tests.
 */
export async function chooseStreams(
  wanted: Config['streams'],
  tls: TlsSettings | undefined,
  trials: Trials = TRIALS,
): Promise<{ readonly streams: StreamPath; readonly obstacle?: string | undefined }> {
  if (wanted === 'node') return { streams: 'node' };
  const obstacle = trials.streams() ?? (tls && (await trials.tls(tls)));
  return obstacle === undefined ? { streams: 'epoll' } : { streams: 'node', obstacle };
}
