/**
 * Batches of data frames for a reader that listens on a Unix stream socket (Frame Streams, bidirectional). The reader may connect
 * late, disconnect, hang, or be replaced by another program. Connecting is tried again after growing pauses; meanwhile batches wait as far
 * as there is room, and the others are lost and counted. A batch on its way to a reader that goes is counted as lost too.
 */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../session/clock.js';
import type { Log } from '../log.js';
import { Control, type ControlFrame, controlFrame, controlReader } from './frame-streams.js';
import { type Batch, Outbox, type Sink } from './outbox.js';

/** Milliseconds that a reader has to answer READY with ACCEPT. A guess: it is on the same machine. */
const HANDSHAKE_TIME = 5000;
/** Milliseconds of the first and of the longest pause between attempts; each pause is twice the one before. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** Milliseconds that the last batches, STOP and FINISH may take when the server ends. A guess. */
const CLOSE_TIME = 1000;

const State = { WAITING: 0, CONNECTING: 1, STREAMING: 2, STOPPED: 3 } as const;
type State = (typeof State)[keyof typeof State];

interface FrameSocketOptions {
  readonly path: string;
  readonly content: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
}

/** Begins to connect; the reader need not be there yet. */
export function openFrameSocket(options: FrameSocketOptions): Sink {
  return new FrameSocket(options);
}

class FrameSocket implements Sink {
  readonly #options: FrameSocketOptions;
  readonly #outbox = new Outbox();
  /** Ends a handshake that takes too long, or a pause. */
  readonly #timer: Timer;
  #state: State = State.WAITING;
  #socket: Socket | undefined;
  #pause = FIRST_PAUSE;
  #streamingSince = 0;
  /** The batch that the system has not taken whole. */
  #sending: Batch | undefined;
  /** The mistake that was reported last. */
  #trouble: string | undefined;
  #whenIdle: (() => void) | undefined;
  #whenFinished: (() => void) | undefined;

  constructor(options: FrameSocketOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#timeUp());
    this.#connect();
  }

  get hasRoom(): boolean {
    return this.#outbox.hasRoom;
  }

  write(batch: Batch): void {
    this.#outbox.put(batch);
    this.#send();
  }

  lose(records: number): void {
    this.#outbox.lose(records);
  }

  takeLost(): number {
    return this.#outbox.takeLost();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        this.#state = State.STOPPED;
        this.#timer.clear();
        limit.clear();
        this.#socket?.destroy();
        for (let batch = this.#outbox.take(); batch; batch = this.#outbox.take()) this.lose(batch.records);
        resolve();
      };
      const limit = this.#options.clock.timer(over);
      if (this.#state !== State.STREAMING) {
        over();
        return;
      }
      limit.set(CLOSE_TIME);
      this.#whenFinished = over;
      this.#whenIdle = () => this.#socket?.write(controlFrame(Control.STOP));
      this.#send();
    });
  }

  #connect(): void {
    this.#state = State.CONNECTING;
    this.#timer.set(HANDSHAKE_TIME);
    const socket = connect({ path: this.#options.path });
    this.#socket = socket;
    const read = controlReader();
    let wrong = 'the reader went away';
    socket.on('connect', () => socket.write(controlFrame(Control.READY, this.#options.content)));
    socket.on('data', (octets) => {
      const frames = read(octets);
      if (frames?.every((frame) => this.#received(frame))) return;
      wrong = 'what listens there does not read dnstap';
      socket.destroy();
    });
    socket.on('error', (error) => {
      wrong = reasonOf(error);
    });
    // The reader has closed its direction: half of a connection is useless.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket === socket) this.#gone(wrong);
    });
  }

  /** Returns whether the frame may come now. */
  #received({ type, contents }: ControlFrame): boolean {
    if (type === Control.FINISH && this.#whenFinished) {
      this.#whenFinished();
      return true;
    }
    if (type !== Control.ACCEPT || this.#state !== State.CONNECTING) return false;
    // A reader that names no content type takes any.
    const { path, content, log, clock } = this.#options;
    if (contents.length > 0 && !contents.some((one) => Buffer.compare(one, content) === 0)) return false;
    this.#state = State.STREAMING;
    this.#timer.clear();
    this.#streamingSince = clock.milliseconds();
    this.#trouble = undefined;
    this.#socket?.write(controlFrame(Control.START, content));
    log.info({ path }, `dnstap goes to the reader at ${path}`);
    this.#send();
    return true;
  }

  /** Sends waiting batches one at a time, so that we know which one a reader missed when it disconnects. */
  #send(): void {
    if (this.#state !== State.STREAMING || this.#sending) return;
    const batch = this.#outbox.take();
    if (!batch) {
      const idle = this.#whenIdle;
      this.#whenIdle = undefined;
      idle?.();
      return;
    }
    this.#sending = batch;
    const socket = this.#socket;
    socket?.write(batch.octets, (error) => {
      // node calls this without an error when the socket was destroyed. `close` follows and counts the batch.
      if (error || socket.destroyed || this.#sending !== batch) return;
      this.#sending = undefined;
      this.#send();
    });
  }

  #timeUp(): void {
    if (this.#state === State.WAITING) this.#connect();
    else if (this.#state === State.CONNECTING) {
      const socket = this.#socket;
      this.#gone('it did not answer in time');
      socket?.destroy();
    }
  }

  #gone(wrong: string): void {
    this.#socket = undefined;
    if (this.#sending) this.lose(this.#sending.records);
    this.#sending = undefined;
    if (this.#state === State.STOPPED) return;
    if (this.#whenFinished) {
      this.#whenFinished();
      return;
    }
    const { path, clock, log } = this.#options;
    // A reader that drops the connection at once gets the same growing pauses as one that is not there.
    const lasted = this.#state === State.STREAMING ? clock.milliseconds() - this.#streamingSince : 0;
    if (lasted > this.#pause) this.#pause = FIRST_PAUSE;
    this.#state = State.WAITING;
    if (wrong !== this.#trouble) log.warn({ path }, `dnstap has no reader at ${path}: ${wrong}; it is tried again`);
    this.#trouble = wrong;
    this.#timer.set(this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }
}

function reasonOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'ENOENT') return 'there is no such socket';
  if (code === 'ECONNREFUSED') return 'nothing listens there, or it is no socket';
  if (code === 'EPIPE' || code === 'ECONNRESET') return 'the reader went away';
  return typeof code === 'string' ? code : error.message;
}
