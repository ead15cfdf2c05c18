/** What all listeners of a thread share, made from the configuration: one responder, one session manager. */
import { createFacts } from '../answer/facts.js';
import { createResponder } from '../answer/respond.js';
import type { Config } from '../config/schema.js';
import type { Catalog } from '../image/catalog.js';
import type { Counters } from '../observe/counters.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
import { ConnectionLimits } from '../session/limits.js';
import { SessionManager } from '../session/manager.js';
import { fastOpenObstacle } from '../transport/fast-open.js';
import type { TlsOffer, TransportContext } from '../transport/transport.js';
import { guardedResponder } from './guarded.js';
import {
  answerSettings,
  connectionLimits,
  descriptorLimit,
  padding,
  sessionSettings,
  udpUpgradeBit,
} from './settings.js';

/** UDP, TCP and TLS. */
const SOCKETS_PER_ADDRESS = 3;

/** `tls`: what TLS is made with; undefined where it is not served. Throws as answerSettings() does. */
export function transportContext(
  config: Config,
  catalog: Catalog,
  tls: TlsOffer | undefined,
  counters: Counters,
  clock: Clock,
  log: Log,
): TransportContext {
  const responder = guardedResponder(createResponder(answerSettings(config)), log);
  const count = counters.count.bind(counters);
  const facts = createFacts(catalog);
  facts.padding = padding(config);
  const descriptors = descriptorLimit();
  const limits = connectionLimits(config, descriptors - SOCKETS_PER_ADDRESS * config.listen.length);
  if (limits.connections < config.sessions.max) {
    log.info(
      { descriptors, connections: limits.connections },
      `${limits.connections} connections at most, not ${config.sessions.max}: the limit on open files is ${descriptors} (ulimit -n)`,
    );
  }
  const sessions = new SessionManager({
    clock,
    settings: sessionSettings(config),
    limits: new ConnectionLimits(limits),
    respond: responder.respond,
    outcome: responder.outcome,
    facts,
    count,
    event: counters.sessionEvent.bind(counters),
  });
  const obstacle = config.tcp.fast_open > 0 ? fastOpenObstacle() : undefined;
  if (obstacle !== undefined) log.info({}, `TCP Fast Open is off: ${obstacle}`);
  let shed = false;
  return {
    responder,
    clock,
    udpPayload: config.udp.payload,
    udpUpgradeBit: udpUpgradeBit(config),
    sessions,
    tls,
    withholdFin: config.sessions.time_wait === 'client' ? config.sessions.drain_timeout * 1000 : undefined,
    fastOpen: obstacle === undefined ? config.tcp.fast_open : 0,
    count,
    event: counters.event.bind(counters),
    descriptors,
    outOfDescriptors() {
      sessions.shed();
      if (!shed) log.error({ descriptors }, 'no file descriptors are left: the sessions idle longest are closed');
      shed = true;
    },
  };
}
