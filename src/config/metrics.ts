/** The keys of adotd.yaml for metrics, and for the evidence of a trial, which `adotd report` shows. */
import * as z from 'zod/mini';
import { endpointFromText } from '../transport/address.js';
import type { Endpoint } from '../transport/transport.js';
import { limit } from './limit.js';

const expected = { error: 'expected a port, or an address and a port as in "127.0.0.1:9153" or "[::1]:9153"' };

function isEndpoint(text: string): boolean {
  return endpointFromText(text) !== undefined;
}

export const metrics = z.prefault(
  z.strictObject({
    listen: z
      .optional(
        z.union([z.int().check(z.gte(0), z.lte(65_535)), z.string().check(z.refine(isEndpoint, expected))], expected),
      )
      .register(z.globalRegistry, {
        description:
          'Port, or address and port, for a page about the server, metrics for Prometheus, `/healthz` and `/readyz`, over HTTP. Off by default. A port alone is on 127.0.0.1. There is no password and no encryption: on another address, everybody who reaches it can read everything.',
      }),
    hosts: z._default(z.array(z.string().check(z.minLength(1), z.maxLength(255))), []).register(z.globalRegistry, {
      description:
        'Names by which browsers reach the page, such as that of a proxy in front of it. Addresses, `localhost` and the name of the machine need not be listed. Under any other name the page is refused, so that no other site can read it in a browser.',
    }),
    zones: limit(
      'zones',
      0,
      100_000,
      100,
      'The first N zones get time series of their own, six per zone; the others are in the sums only. A guess: as many as fit on a dashboard.',
    ),
  }),
  {},
);

export const report = z.prefault(
  z.strictObject({
    enabled: z._default(z.boolean(), true).register(z.globalRegistry, {
      description:
        'Record what `adotd report` shows: counts by the minute for two days and by the hour for 90, and how many clients there were on each day. With `state` it outlives a restart, otherwise it is in memory only. Addresses are not kept: they are hashed with a key that changes every day.',
    }),
  }),
  {},
);

/** The endpoint of metrics; undefined: metrics are off. A port alone means 127.0.0.1. */
export function metricsEndpoint(config: { readonly metrics: z.output<typeof metrics> }): Endpoint | undefined {
  const { listen } = config.metrics;
  if (listen === undefined) return undefined;
  return typeof listen === 'number' ? { address: '127.0.0.1', port: listen } : endpointFromText(listen);
}
