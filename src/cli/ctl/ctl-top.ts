/** `adotd ctl top`: the activity of a server, once a second on a terminal, or once without one. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ReadStream } from 'node:tty';
import type { Overview, TopView } from '../../page/contract.js';
import { Exit } from '../arguments.js';
import type { ControlClient } from '../ctl-client.js';
import { topLines } from './top-text.js';

/** Milliseconds. */
const PERIOD = 1000;
/** Overviews that are kept, for rates. */
const KEPT = 6;
/** Without a terminal: columns and lines. */
const PAPER = { width: 200, height: 60, isColoured: false };
/** Of a terminal that does not know its size. */
const USUAL = { width: 80, height: 24 };
/** The other screen of the terminal, without cursor; and back. */
const BEGIN = '\x1b[?1049h\x1b[?25l';
const END = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** Keys that end it: the last ones are Control-C and Control-D. */
const ENDS = ['q', 'Q', '\x03', '\x04'];

/** Shows it until `q` is pressed. Rejects with ADOTD_CONTROL when the server does not answer. */
export async function top(client: ControlClient, isJson: boolean): Promise<number> {
  const look = async (): Promise<TopView> => (await client.json('GET', '/top')) as TopView;
  if (isJson) {
    process.stdout.write(`${JSON.stringify(await look(), undefined, 2)}\n`);
    return Exit.OK;
  }
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    const first = await look();
    await pause(PERIOD);
    stdout.write(`${topLines(await look(), [first.overview], PAPER).join('\n')}\n`);
    return Exit.OK;
  }
  const ended = endOf(stdin);
  const restore = (): void => void stdout.write(END);
  process.once('exit', restore);
  stdout.write(BEGIN);
  try {
    await watch(look, ended);
  } finally {
    ended.stop();
    process.removeListener('exit', restore);
    restore();
  }
  return Exit.OK;
}

async function watch(look: () => Promise<TopView>, ended: Ended): Promise<void> {
  const { stdout } = process;
  const before: Overview[] = [];
  const isColoured = !process.env.NO_COLOR;
  while (!ended.isOver) {
    const view = await look();
    const screen = { width: stdout.columns || USUAL.width, height: (stdout.rows || USUAL.height) - 1, isColoured };
    const lines = [...topLines(view, before, screen).slice(0, screen.height - 1), 'q ends'];
    stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
    before.push(view.overview);
    if (before.length > KEPT) before.shift();
    await Promise.race([ended.over, pause(PERIOD)]);
  }
}

interface Ended {
  readonly isOver: boolean;
  /** Fulfilled when `q` or Control-C is pressed, or the terminal is gone. */
  readonly over: Promise<void>;
  /** Gives the terminal back. */
  stop(): void;
}

function endOf(stdin: ReadStream): Ended {
  let isOver = false;
  stdin.setRawMode(true);
  stdin.setEncoding('latin1');
  const over = new Promise<void>((resolve) => {
    const end = (): void => {
      isOver = true;
      resolve();
    };
    stdin.on('data', (keys) => {
      if ([...String(keys)].some((key) => ENDS.includes(key))) end();
    });
    stdin.on('end', end);
    stdin.on('error', end);
  });
  return {
    get isOver() {
      return isOver;
    },
    over,
    stop() {
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
