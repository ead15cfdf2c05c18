/**
 * Signals, from the first code of this program on. Before a program listens, HUP, INT and TERM end it, process 1 never hears of them, and
 * at USR1 Node opens its debugger, through which any user of the machine can run code. So `main.js` calls handleSignals() before it
 * loads anything else, and this module imports nothing. A verb that serves takes over with takeSignals() when it is loaded.
 *
 * NOT here: the first milliseconds, in which Node starts (docs/operation.md, "Signals").
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGUSR1: 10, SIGTERM: 15 } as const;
type Signal = keyof typeof NUMBERS;

/** The handler of a server for each signal. */
type SignalHandlers = Readonly<Record<Signal, () => void>>;

/** The verbs that go on until a signal ends them. */
const SERVING: readonly string[] = ['serve', 'fixture'];

/** Whether the command with these words serves; to show its help is no service. */
export function isServing(words: readonly string[]): boolean {
  return SERVING.includes(words[0] ?? '') && !asksForHelp(words);
}

/** Whether help is asked for. Behind `--` are the words of another program. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

let handlers: SignalHandlers | undefined;
/** A SIGHUP came before the handlers. */
let hungUp = false;

/**
 * To be called once, first of all. With `serves`, HUP waits for takeSignals(), and INT and TERM end the process with status 0: nothing has
 * been served yet. Otherwise signals end the program as usual, because then they also end one that computes or waits for a reader.
 * Process 1, for which the system has no usual way, ends with the status that a shell shows for a signal. USR1 never does anything here.
 */
export function handleSignals(serves: boolean): void {
  closeInspector();
  process.on('SIGUSR1', () => handlers?.SIGUSR1());
  if (serves) {
    process.on('SIGHUP', () => {
      if (handlers === undefined) hungUp = true;
      else handlers.SIGHUP();
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => (handlers === undefined ? process.exit(0) : handlers[signal]()));
    }
  } else if (process.pid === 1) {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => process.exit(128 + NUMBERS[signal]));
    }
  }
}

/** From now on a server handles the signals. A HUP that came before is told now; returns whether there was one. */
export function takeSignals(own: SignalHandlers): boolean {
  handlers = own;
  if (hungUp) own.SIGHUP();
  return hungUp;
}

/**
 * Milliseconds: between two looks for the debugger, and until the last look. A thread of Node opens it for each early USR1, even when it
 * was closed since. Measured: in the next turn of the event loop, on a loaded machine later.
 */
const LOOK_INTERVAL = 20;
const LOOK_TIME = 5000;

/** Closes the debugger that Node opens because USR1 came before the listener, unless the command line asks for one. */
function closeInspector(): void {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  if (words.some((word) => /^--inspect(?![-_](port|publish))/.test(word))) return;
  const close = (): void => {
    try {
      const inspector = process.getBuiltinModule('node:inspector');
      if (inspector.url() !== undefined) inspector.close();
    } catch {
      // This build of Node has none.
    }
  };
  close();
  setImmediate(close);
  const timer = setInterval(close, LOOK_INTERVAL).unref();
  setTimeout(() => clearInterval(timer), LOOK_TIME).unref();
}
