/** Chooses what TCP and TLS run on. */
import type { Config } from '../../config/schema.js';
import { streamsObstacle } from '../../transport/epoll/stream-self-test.js';
import type { StreamPath } from './data-plane.js';

/** What streams run on, by the configuration, `tls`: whether TLS is served, and this machine; `obstacle`: why it is not epoll, where that was wanted. */
export function chooseStreams(
  wanted: Config['streams'],
  tls: boolean,
): { readonly streams: StreamPath; readonly obstacle?: string | undefined } {
  if (wanted === 'node') return { streams: 'node' };
  const obstacle = tls ? 'epoll does not serve TLS yet' : streamsObstacle();
  return obstacle === undefined ? { streams: 'epoll' } : { streams: 'node', obstacle };
}
