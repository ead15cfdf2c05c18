import { createFacts } from '../../src/answer/facts.js';
import { NO_HAND_OFF } from '../../src/answer/hand-off/hand-off.js';
import { Counters } from '../../src/observe/counters/counters.js';
import { systemClock } from '../../src/session/clock.js';
import { ConnectionLimits } from '../../src/session/limits.js';
import { SessionManager } from '../../src/session/manager.js';
import type { SessionSettings } from '../../src/session/session-settings.js';
import { type LoopClock, loopClock } from '../../src/transport/epoll/loop-clock.js';
import type { TransportContext } from '../../src/transport/transport.js';
import { SETTINGS } from '../session/support.js';
import { emptyCatalog } from '../support/catalog.js';
import { echoResponder } from '../support/responder.js';

export interface Change extends Partial<Omit<TransportContext, 'clock'>> {
  readonly settings?: Partial<SessionSettings>;
  readonly limits?: ConnectionLimits;
}

export interface TestContext extends TransportContext {
  readonly clock: LoopClock;
  readonly events: number[];
  readonly counters: Counters;
  readonly responder: ReturnType<typeof echoResponder>;
}

/** A transport context around the echo responder; events are kept, sessions are counted. */
export function context({ settings, limits, ...change }: Change = {}): TestContext {
  const events: number[] = [];
  const counters = new Counters();
  const responder = echoResponder();
  const facts = createFacts(emptyCatalog());
  const clock = loopClock(systemClock);
  return {
    clock,
    udpPayload: 1232,
    udpUpgradeBit: 0,
    tls: undefined,
    withholdFin: undefined,
    fastOpen: 0,
    sessions: new SessionManager({
      clock,
      settings: { ...SETTINGS, idleTime: 5_000, messageTime: 2_000, drainTime: 500, ...settings },
      limits: limits ?? new ConnectionLimits({ connections: 100, connectionsPerClient: 100 }),
      respond: responder.respond,
      outcome: responder.outcome,
      facts,
      count: () => {},
      event: () => {},
      handOff: change.handOff ?? NO_HAND_OFF,
      mistake(error) {
        throw error;
      },
      opened: counters.sessionOpened.bind(counters),
      closed: counters.sessionClosed.bind(counters),
      handshakeEnded: counters.handshakeEnded.bind(counters),
      paused: counters.paused.bind(counters),
    }),
    count: () => {},
    counts: counters,
    event: (event) => void events.push(event),
    handOff: NO_HAND_OFF,
    descriptors: Number.POSITIVE_INFINITY,
    outOfDescriptors: () => {},
    mistake(error) {
      throw error;
    },
    ...change,
    events,
    counters,
    responder,
  };
}
