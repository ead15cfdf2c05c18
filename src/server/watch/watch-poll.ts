/** Looks at files and folders now and then, where the system does not tell of changes. */
import { readdirSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Timer } from '../../session/clock.js';

/** Paths looked at in one turn of the event loop: some milliseconds. */
const TURN = 500;

export class Poller {
  readonly #timer: Timer;
  readonly #changed: (paths: readonly string[]) => void;
  /** Milliseconds; undefined: it does not look. */
  #interval: number | undefined;
  #files: readonly string[] = [];
  #folders: readonly string[] = [];
  /** How each path looked the last time. */
  #seen = new Map<string, string>();
  #closed = false;

  constructor(clock: Clock, changed: (paths: readonly string[]) => void) {
    this.#changed = changed;
    this.#timer = clock.timer(() => void this.#look());
  }

  get running(): boolean {
    return this.#interval !== undefined;
  }

  /** Looks every so many seconds from now on. */
  every(seconds: number): void {
    this.#interval = seconds * 1000;
    this.#timer.set(this.#interval);
    this.#learn();
  }

  /** Looks at these paths. */
  update(files: readonly string[], folders: readonly string[]): void {
    this.#files = files;
    this.#folders = folders;
    if (this.running) this.#learn();
  }

  close(): void {
    this.#closed = true;
    this.#timer.clear();
  }

  /** Looks at what was never looked at. */
  #learn(): void {
    const seen = new Map<string, string>();
    for (const path of this.#files) seen.set(path, this.#seen.get(path) ?? looksOfFile(path));
    for (const path of this.#folders) seen.set(path, this.#seen.get(path) ?? looksOfFolder(path));
    this.#seen = seen;
  }

  async #look(): Promise<void> {
    const changed: string[] = [];
    let looked = 0;
    for (const [path, before] of [...this.#seen]) {
      if (++looked % TURN === 0) await nextTurn();
      if (this.#closed) return;
      const now = this.#folders.includes(path) ? looksOfFolder(path) : looksOfFile(path);
      if (now === before || !this.#seen.has(path)) continue;
      this.#seen.set(path, now);
      changed.push(path);
    }
    if (changed.length > 0) this.#changed(changed);
    if (this.#interval !== undefined) this.#timer.set(this.#interval);
  }
}

function looksOfFile(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch {
    return '';
  }
}

function looksOfFolder(path: string): string {
  try {
    return readdirSync(path).join('/');
  } catch {
    return '';
  }
}
