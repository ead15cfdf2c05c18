/**
 * Tells a service manager the state of the server (sd_notify(3)): datagrams of `NAME=value` lines to the Unix socket that
 * NOTIFY_SOCKET names, and a sign of life as often as WATCHDOG_USEC demands. Without NOTIFY_SOCKET it does nothing.
 *
 * Node has no Unix datagram sockets: they are made through the C library. Where the library cannot be called, the service manager is
 * told nothing, and `obstacle` gives the reason. The program systemd-notify is no substitute: `NotifyAccess=main` accepts messages of
 * the main process only. NOT here: sockets of other families (`vsock:`), descriptors handed over (FDSTORE), and barriers (BARRIER=1),
 * which a program needs only if it closes its socket and goes on.
 */
import { type Libc, libc } from '../../transport/libc.js';
import { MAX_UNIX_PATH } from '../../transport/unix-path.js';

export interface Notifier {
  /** Why the service manager gets no messages although NOTIFY_SOCKET is set; undefined otherwise. */
  readonly obstacle: string | undefined;
  /** Everything answers, after the start or a reload. Begins the signs of life. `status`: a line for `systemctl status`. */
  ready(status: string): void;
  /** A reload has begun; `ready()` ends it. */
  reloading(): void;
  stopping(status: string): void;
  status(status: string): void;
  /** Ends the signs of life, and frees the socket; datagrams that still wait are lost. */
  close(): void;
}

export interface NotifierOptions {
  /** The calls of the C library, or the reason why there are none. */
  readonly system?: Libc | string;
  /** Called the first time that the service manager cannot be reached. */
  readonly failed?: (reason: string) => void;
  /** Called before every sign of life; false leaves it out, so that the service manager restarts the server. */
  readonly healthy?: () => boolean;
  readonly pid?: number;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Milliseconds until a datagram is sent again after the socket had no room. */
const RETRY = 100;
/** Datagrams that wait for room. Beyond them the oldest are dropped, since the last ones tell the present state. A guess: a few reloads. */
const WAITING_MAX = 16;

/** Variables that are removed from the environment, so that no child process or thread uses them. */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** To be called once, before threads are started: removes its variables from `env`. Never throws. */
export function createNotifier(env: NodeJS.ProcessEnv, options: NotifierOptions = {}): Notifier {
  const { NOTIFY_SOCKET: name, WATCHDOG_USEC: period, WATCHDOG_PID: watched } = env;
  for (const variable of VARIABLES) delete env[variable];
  if (name === undefined || name === '') return silent(undefined);
  const address = socketAddress(name);
  if (typeof address === 'string') return silent(address);
  const system = options.system ?? libc();
  if (typeof system === 'string') return silent(`${system}; a unit without notifications has Type=exec`);
  const fd = system.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return silent(`a Unix socket cannot be made: ${system.errno()}`);
  const pid = options.pid ?? process.pid;
  const interval = watched === undefined || watched === String(pid) ? watchdogInterval(period) : undefined;
  return notifier(system, fd, address, name, interval, options);
}

/** struct sockaddr_un of an absolute path or of an abstract name (`@…`); or, as text, the reason why there is none. */
function socketAddress(name: string): Uint8Array | string {
  const abstract = name.startsWith('@');
  if (!abstract && !name.startsWith('/')) return `NOTIFY_SOCKET is ${JSON.stringify(name)}, expected a path or @name`;
  const path = Buffer.from(name);
  if (path.length > MAX_UNIX_PATH) return `NOTIFY_SOCKET has ${path.length} octets, expected ${MAX_UNIX_PATH} at most`;
  // The length tells where an abstract name ends; a path ends in a NUL.
  const octets = new Uint8Array(2 + path.length + (abstract ? 0 : 1));
  new Uint16Array(octets.buffer, 0, 1)[0] = AF_UNIX;
  octets.set(path, 2);
  if (abstract) octets[2] = 0;
  return octets;
}

/** Milliseconds between two signs of life: half of the manager's timeout, as sd_watchdog_enabled(3) advises. */
function watchdogInterval(period: string | undefined): number | undefined {
  if (period === undefined || !/^[0-9]{1,15}$/.test(period)) return undefined;
  const milliseconds = Number(period) / 2000;
  // Node's timers turn a time of more than 31 bits into 1 ms.
  return milliseconds === 0 ? undefined : Math.min(Math.max(1, Math.floor(milliseconds)), 0x7fffffff);
}

function silent(obstacle: string | undefined): Notifier {
  const nothing = (): void => undefined;
  return { obstacle, ready: nothing, reloading: nothing, stopping: nothing, status: nothing, close: nothing };
}

function notifier(
  system: Libc,
  fd: number,
  address: Uint8Array,
  name: string,
  interval: number | undefined,
  { failed, healthy = () => true }: NotifierOptions,
): Notifier {
  const queue = datagramQueue(system, fd, address, (code) => failed?.(`NOTIFY_SOCKET ${name}: ${code}`));
  let watchdog: NodeJS.Timeout | undefined;
  let closed = false;
  const send = (...lines: readonly string[]): void => {
    if (!closed) queue.send(lines.join('\n'));
  };
  const signOfLife = (): void => {
    // A datagram that waits will be a sign of life itself.
    if (queue.empty && healthy()) send('WATCHDOG=1');
  };

  return {
    obstacle: undefined,
    ready(status) {
      send('READY=1', statusLine(status));
      if (interval !== undefined && !closed) watchdog ??= setInterval(signOfLife, interval).unref();
    },
    reloading() {
      // CLOCK_MONOTONIC, which hrtime reads: with it, Type=notify-reload takes the next READY=1 for the end of this reload.
      send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    stopping: (status) => send('STOPPING=1', statusLine(status)),
    status: (status) => send(statusLine(status)),
    close() {
      if (closed) return;
      closed = true;
      clearInterval(watchdog);
      queue.close();
      system.close(fd);
    },
  };
}

/** Datagrams to one address, in their order. */
interface DatagramQueue {
  readonly empty: boolean;
  send(text: string): void;
  /** Sends as much as the socket takes at once; the rest is lost. */
  close(): void;
}

/** `failed` is called once, with the code of the first error. */
function datagramQueue(system: Libc, fd: number, address: Uint8Array, failed: (code: string) => void): DatagramQueue {
  const waiting: string[] = [];
  let reported = false;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;

  /** Sends all that wait. Never blocks: a manager that hangs must not stop the server with it. */
  const flush = (): void => {
    for (let text = waiting[0]; text !== undefined; text = waiting[0]) {
      const octets = Buffer.from(text);
      const sent = system.sendto(fd, octets, octets.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
      const code = sent < 0 ? system.errno() : '';
      if (code === 'EINTR') continue;
      if (code === 'EAGAIN' || code === 'ENOBUFS') {
        if (!closed) retry ??= setTimeout(flushAgain, RETRY).unref();
        return;
      }
      waiting.shift();
      if (code === '' || reported) continue;
      reported = true;
      failed(code);
    }
  };
  const flushAgain = (): void => {
    retry = undefined;
    flush();
  };

  return {
    get empty() {
      return waiting.length === 0;
    },
    send(text) {
      waiting.push(text);
      if (waiting.length > WAITING_MAX) waiting.shift();
      flush();
    },
    close() {
      closed = true;
      clearTimeout(retry);
      flush();
    },
  };
}

/** A line break would begin an assignment of its own. */
function statusLine(text: string): string {
  return `STATUS=${text.replace(/\s+/g, ' ').trim()}`;
}
