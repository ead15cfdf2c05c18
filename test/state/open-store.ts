/** Stores that are closed with the test. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MakeRun } from '../../src/state/stored-zone.js';
import { ZoneStore } from '../../src/state/zone-store.js';

/** A folder that is not there yet. */
export function newFolder(): string {
  return join(mkdtempSync(join(tmpdir(), 'adotd-state-')), 'state');
}

export interface Opened {
  readonly store: ZoneStore;
  /** What was reported. */
  readonly said: string[];
}

/** Opens a store that is closed with the test. */
export async function openStore(folder: string, rewriteAt?: number, makeRun?: MakeRun): Promise<Opened> {
  const said: string[] = [];
  const report = (text: string): unknown => said.push(text);
  const store = await ZoneStore.open(folder, { report, makeRun, ...(rewriteAt !== undefined && { rewriteAt }) });
  let isClosed = false;
  const close = store.close.bind(store);
  store.close = async () => {
    if (!isClosed) await close();
    isClosed = true;
  };
  onTestFinished(() => store.close());
  return { store, said };
}
