/** Kills a process at random while it stores changes, again and again, and judges what the next one finds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomFrom } from '../zone/random-zone.js';

/** The program, from test/ and from where the compiler writes this. */
const PROGRAM = fileURLToPath(new URL('../../test/state/committing-program.mjs', import.meta.url)).replace(
  '/.build/',
  '/',
);
/** Changes after which a process is killed at the latest, and milliseconds after that. */
const MOST = 40;
const LONGEST = 10;
/** Milliseconds after its start at which one is killed that may not have opened the store yet. */
const EARLY = 150;

interface Line {
  readonly opened?: Readonly<Record<string, readonly [serial: number, count: number]>>;
  readonly wrong?: string;
  readonly zone?: string;
  readonly serial?: number;
  readonly count?: number;
  readonly value?: number;
}

export interface Tally {
  /** Changes that were acknowledged. */
  acknowledged: number;
  /** Processes that were killed before they had opened the store. */
  early: number;
}

/** Runs and kills `runs` processes; fulfilled with what was wrong, the empty list for nothing, and what was done. */
export async function killAgainAndAgain(
  folder: string,
  runs: number,
  seed: number,
): Promise<{ wrong: string[]; tally: Tally }> {
  const random = randomFrom(seed);
  const known = new Map<string, number>();
  const wrong: string[] = [];
  const tally = { acknowledged: 0, early: 0 };
  for (let run = 0; run < runs; run++) {
    const isEarly = random() < 0.2;
    const changes = isEarly ? undefined : Math.floor(random() * MOST);
    const lines = await killed(folder, seed + run, changes, random() * (isEarly ? EARLY : LONGEST));
    wrong.push(...judge(lines, known, tally).map((fault) => `run ${run}: ${fault}`));
  }
  return { wrong, tally };
}

function judge(lines: readonly Line[], known: Map<string, number>, tally: Tally): string[] {
  const wrong: string[] = [];
  const expectAtLeast = (what: string, found: number): void => {
    if (found < (known.get(what) ?? 0)) wrong.push(`${what} is ${found}, ${known.get(what)} was acknowledged`);
  };
  if (lines.every(({ opened, wrong }) => opened === undefined && wrong === undefined)) tally.early++;
  for (const { opened, wrong: fault, zone, serial, count, value } of lines) {
    if (fault !== undefined) wrong.push(fault);
    if (opened !== undefined) {
      const zones = new Set([...known.keys()].flatMap((what) => what.match(/^zone-[^ ]*/)?.[0] ?? []));
      for (const name of zones) {
        expectAtLeast(`${name} serial`, opened[name]?.[0] ?? 0);
        expectAtLeast(`${name} count`, opened[name]?.[1] ?? 0);
      }
      expectAtLeast('value', value ?? 0);
      // What was found once must not go back either.
      for (const [name, [serial, count]] of Object.entries(opened)) {
        known.set(`${name} serial`, serial);
        known.set(`${name} count`, count);
      }
      known.set('value', value ?? 0);
      continue;
    }
    if (fault === undefined) tally.acknowledged++;
    if (serial !== undefined) known.set(`${zone} serial`, serial);
    if (count !== undefined) known.set(`${zone} count`, count);
    if (value !== undefined) known.set('value', value);
  }
  return wrong;
}

/** What a process says until it is killed: `delay` milliseconds after so many changes, or after its start. */
async function killed(folder: string, seed: number, changes: number | undefined, delay: number): Promise<Line[]> {
  const child = spawn(process.execPath, [PROGRAM, folder, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Line[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  let reached = (): void => {};
  const enough = new Promise<void>((resolve) => {
    reached = resolve;
  });
  createInterface(child.stdout).on('line', (text) => {
    // The last line may be cut.
    if (!text.endsWith('}')) return;
    lines.push(JSON.parse(text));
    if (changes !== undefined && lines.length > changes) reached();
  });
  const ended = once(child, 'close');
  if (changes !== undefined) await Promise.race([enough, ended]);
  await Promise.race([sleep(delay), ended]);
  child.kill('SIGKILL');
  const [status, signal] = await ended;
  if (signal !== 'SIGKILL') lines.push({ wrong: `the process ended with status ${status}: ${errors}` });
  return lines;
}
