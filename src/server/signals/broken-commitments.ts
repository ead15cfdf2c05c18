/** Finds settings that break promises of the signals of DNS over TLS, while resolvers may know of them. */
import type { Config } from '../../config/schema.js';
import type { Commitment } from './commitments.js';

/** A setting that breaks commitments. */
export interface BrokenCommitment {
  /** The key of the configuration. */
  readonly key: readonly string[];
  /** Names the broken promise, and until when caches may have it. */
  readonly message: string;
}

/** The part of a configuration that matters. */
export type CommittedConfig = Pick<Config, 'tls_port' | 'state'> & {
  readonly tls: Pick<Config['tls'], 'enabled'>;
  readonly signals: Pick<Config['signals'], 'port'>;
};

/** `running`: the configuration by which the commitments were made; undefined: they were read in the state of `config`. */
export function brokenCommitments(
  config: CommittedConfig,
  standing: readonly Commitment[],
  running?: CommittedConfig,
): BrokenCommitment[] {
  const isStateOther = running !== undefined && running.state?.folder !== config.state?.folder;
  return standing.flatMap((one): BrokenCommitment[] => {
    const key = brokenKey(config, one.port);
    return [
      ...(key === undefined ? [] : [{ key, message: textOf(one) }]),
      ...(isStateOther
        ? [{ key: ['state', 'folder'], message: `only this folder knows which keys are promised: ${textOf(one)}` }]
        : []),
    ];
  });
}

/** The key of the setting that ends DNS over TLS on the promised port; undefined: none does. */
function brokenKey({ tls, tls_port: port, signals }: CommittedConfig, promised: number): string[] | undefined {
  if (!tls.enabled) return ['tls', 'enabled'];
  const isForwarded = signals.port !== 0;
  // A port that the system chooses is known by the running server only.
  if ((!isForwarded && port === 0) || (signals.port || port) === promised) return undefined;
  return isForwarded ? ['signals', 'port'] : ['tls_port'];
}

function textOf({ name, zone, port, lasts, until }: Commitment): string {
  const promise = `records promise that ${name} speaks DNS over TLS on port ${port}`;
  if (until !== undefined) return `${promise}, and caches may have them until ${timeText(until)}; --force goes on`;
  const remedy = `take signals out of the policy of ${zone} and reload; caches have them for ${lasts} s more, and then this can be changed`;
  return `${promise}, and nameservers still have them: ${remedy}; --force goes on`;
}

/** `2026-12-01T14:00:00Z`. */
function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}
