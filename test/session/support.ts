/** A session manager on a fake clock, and sessions whose connections are arrays. */
import { createFacts, type Facts, type Outcome, UpgradeBit } from '../../src/answer/facts.js';
import { HandOff } from '../../src/answer/hand-off/hand-off.js';
import type { RequestHandler } from '../../src/answer/hand-off/handed-request.js';
import type { Connection } from '../../src/session/connection.js';
import { ConnectionLimits, sharedLimits } from '../../src/session/limits.js';
import { SessionManager } from '../../src/session/manager.js';
import type { Session } from '../../src/session/session.js';
import { SessionEvent } from '../../src/session/session-end.js';
import type { SessionSettings } from '../../src/session/session-settings.js';
import { SessionState } from '../../src/session/session-state.js';
import { emptyCatalog } from '../support/catalog.js';
import { FakeClock } from '../support/clock.js';
import { echoResponder, unframed } from '../support/responder.js';

export const SETTINGS: SessionSettings = {
  idleTime: 10_000,
  idleTimeMin: 2_000,
  messageTime: 5_000,
  handshakeTime: 3_000,
  transferIdleTime: 60_000,
  transferTime: 7_200_000,
  drainTime: 2_000,
  writeBuffer: 65_536,
  writeBufferTotal: 1_000_000_000,
  maxQueries: 1_000_000,
  upgradeBit: UpgradeBit.NEVER,
  strict: false,
};

interface Answering {
  readonly respond: ReturnType<typeof echoResponder>['respond'];
  readonly outcome: Outcome;
}

export interface Bench {
  readonly manager: SessionManager;
  readonly clock: FakeClock;
  readonly facts: Facts;
  readonly limits: ConnectionLimits;
  /** Names of SessionEvent. */
  readonly events: string[];
  /** What kept answers from being made. */
  readonly mistakes: unknown[];
  /** What sessions were closed with: path, reason, milliseconds, messages. */
  readonly ends: [path: number, end: number, milliseconds: number, messages: number][];
  /** How handshakes ended: path, end, milliseconds. */
  readonly handshakes: [path: number, end: number, milliseconds: number][];
  /** Times between runs of messages: path, milliseconds. */
  readonly pauses: [path: number, milliseconds: number][];
  counted(): number;
  /** Opens a session, admitted as one of `client`; undefined when it was refused. */
  open(options?: { client?: Uint8Array; secure?: boolean }): Peer | undefined;
}

export interface Peer {
  readonly session: Session;
  /** Octets come: they are borrowed, and changed afterwards. */
  receive(octets: Uint8Array): void;
  /** What was sent in one go, each; inside TLS a record each. */
  readonly written: Uint8Array[];
  readonly calls: string[];
  /** What TLS was begun with. */
  readonly hello: Uint8Array[];
  /** IDs of the answers. */
  answers(): number[];
  /** From now on what is written stays unsent. */
  stall(): void;
  /** The peer reads everything. */
  read(): void;
  /** The connection is gone. */
  gone(): void;
}

const NAMES = Object.keys(SessionEvent);

export function createBench(
  settings: Partial<SessionSettings> = {},
  answering: Answering = echoResponder(),
  capacity = { connections: 1000, connectionsPerClient: 1000 },
  handle: RequestHandler = async () => undefined,
): Bench {
  const clock = new FakeClock();
  const facts = createFacts(emptyCatalog());
  const limits = new ConnectionLimits(capacity, { ...sharedLimits(), secret: 1 });
  const events: string[] = [];
  const mistakes: unknown[] = [];
  const ends: Bench['ends'] = [];
  const handshakes: Bench['handshakes'] = [];
  const pauses: Bench['pauses'] = [];
  let counted = 0;
  const manager = new SessionManager({
    clock,
    settings: { ...SETTINGS, ...settings },
    limits,
    respond: answering.respond,
    outcome: answering.outcome,
    facts,
    count: () => void counted++,
    event: (event) => void events.push(NAMES[event] ?? String(event)),
    handOff: new HandOff(handle),
    mistake: (error) => void mistakes.push(error),
    opened: () => {},
    handshakeEnded: (path, end, milliseconds) => void handshakes.push([path, end, milliseconds]),
    paused: (path, milliseconds) => void pauses.push([path, milliseconds]),
    closed: (path, end, milliseconds, messages) => void ends.push([path, end, milliseconds, messages]),
  });
  return {
    manager,
    clock,
    facts,
    limits,
    events,
    mistakes,
    ends,
    handshakes,
    pauses,
    counted: () => counted,
    open({ client = Uint8Array.of(192, 0, 2, 1), secure = false } = {}) {
      return manager.admit(client) ? openPeer(manager, client, secure) : undefined;
    },
  };
}

function openPeer(manager: SessionManager, client: Uint8Array, secure: boolean): Peer {
  const written: Uint8Array[] = [];
  const calls: string[] = [];
  const hello: Uint8Array[] = [];
  const taken: { octets: Uint8Array; from: number; to: number }[] = [];
  let unsent = 0;
  let stalled = false;
  const connection: Connection = {
    answer(octets, from, to) {
      taken.push({ octets, from, to });
    },
    send() {
      const answers = taken.splice(0).map(({ octets, from, to }) => octets.slice(from, to));
      written.push(...(session.state === SessionState.SECURE ? answers : [Buffer.concat(answers)]));
      if (stalled) unsent += answers.reduce((sum, { length }) => sum + length, 0);
    },
    get unsent() {
      return unsent;
    },
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    startTls(octets) {
      calls.push('startTls');
      hello.push(octets);
    },
    flush() {
      if (unsent === 0) session.drained();
    },
    yield: () => void calls.push('yield'),
    end: () => void calls.push('end'),
    destroy: () => void calls.push('destroy'),
  };
  const session = manager.open(connection, client, secure);
  return {
    session,
    receive(octets) {
      const borrowed = Buffer.concat([Buffer.of(0xff), octets, Buffer.of(0xff)]);
      session.received(borrowed, 1, 1 + octets.length);
      borrowed.fill(0xff);
    },
    written,
    calls,
    hello,
    answers: () => unframed(Buffer.concat(written)).map((m) => m.readUInt16BE(0)),
    stall() {
      stalled = true;
    },
    read() {
      unsent = 0;
      session.drained();
    },
    gone: () => manager.closed(session),
  };
}
