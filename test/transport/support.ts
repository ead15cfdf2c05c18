import { systemClock } from '../../src/session/clock.js';
import { ConnectionLimits } from '../../src/session/limits.js';
import type { TransportContext } from '../../src/transport/transport.js';
import { echoResponder } from '../support/responder.js';

/** A transport context around the echo responder; events are kept. */
export function context(
  change: Partial<TransportContext> = {},
): TransportContext & { events: number[]; responder: ReturnType<typeof echoResponder> } {
  const events: number[] = [];
  return {
    clock: systemClock,
    udpPayload: 1232,
    sessions: { idleTime: 5_000, messageTime: 2_000, writeBuffer: 65_536, drainTime: 500 },
    limits: new ConnectionLimits({ connections: 100, connectionsPerClient: 100 }),
    count: () => {},
    event: (event) => void events.push(event),
    ...change,
    events,
    responder: echoResponder(),
  };
}
