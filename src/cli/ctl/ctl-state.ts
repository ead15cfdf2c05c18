/** `adotd ctl state`: backups of the stored state, and the acceptance of a loss. */
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { AdotdError, counted, ErrorCode, systemReason } from '../../errors.js';
import { zoneKey } from '../../protocol/name.js';
import { Exit, UsageError } from '../arguments.js';

/** The options of the command line. */
interface StateWords {
  readonly config: string | undefined;
  readonly folder: string | undefined;
  readonly above: readonly string[];
}

/**
 * Carries out `state accept-loss`: zones of which changes may be lost are served as they are stored, from the next start on. Fulfilled with the
 * exit status.
 */
export async function acceptLoss(words: Omit<StateWords, 'above'>): Promise<number> {
  const folder = await folderOf(words);
  if (!existsSync(folder)) throw missing(folder, 'nothing is lost there');
  const { ZoneStore } = await import('../../state/zone-store.js');
  const store = await ZoneStore.open(folder, { report: say });
  try {
    const { loss } = store;
    if (loss === undefined) {
      process.stderr.write(`${folder} has no loss that is not settled\n`);
      return Exit.OK;
    }
    const zones = await store.acceptLoss();
    process.stdout.write(zones.map((zone) => `${zone}\n`).join(''));
    const served = `${counted(zones.length, 'zone')} ${zones.length === 1 ? 'is' : 'are'} served as stored from the next start on`;
    process.stderr.write(
      `${served}, without changes that may be lost: compare their serials with those of secondaries\n`,
    );
    return Exit.OK;
  } finally {
    await store.close();
  }
}

function say(text: string): void {
  process.stderr.write(`adotd ctl state: ${text}\n`);
}

function missing(folder: string, consequence: string): AdotdError {
  return new AdotdError(ErrorCode.STATE, `state ${folder}: no such folder: ${consequence}`);
}

/** Carries out `export FILE` or `import FILE`; fulfilled with the exit status. */
export async function state(command: 'export' | 'import', file: string, words: StateWords): Promise<number> {
  const folder = await folderOf(words);
  const above = serialsOf(words.above);
  const said: string[] = [];
  const report = (text: string): void => {
    said.push(text);
    say(text);
  };
  if (command === 'export' && !existsSync(folder)) throw missing(folder, 'nothing is to be exported');
  // Loaded only here: other commands do not need it.
  const { ZoneStore } = await import('../../state/zone-store.js');
  const store = await ZoneStore.open(folder, { report });
  try {
    if (command === 'import') {
      const { importState } = await import('../../state/state-import.js');
      const { zones, values, raised } = await importState(store, linesOf(file), { above });
      const serials = raised.length === 0 ? '' : `; serials raised: ${raised.join(', ')}`;
      process.stderr.write(
        `${counted(zones, 'zone')} and ${counted(values, 'value')} imported into ${folder}${serials}\n`,
      );
      return Exit.OK;
    }
    const { exportState } = await import('../../state/state-export.js');
    await write(file, exportState(store, report));
    warnOfKeys(folder);
    return said.length === 0 ? Exit.OK : Exit.FAILED;
  } finally {
    await store.close();
  }
}

/** Private keys are no values of the state, and an export is not to be kept as a secret. */
function warnOfKeys(state: string): void {
  const folder = join(state, 'keys');
  const keys = existsSync(folder) ? readdirSync(folder).length : 0;
  if (keys > 0)
    say(`the export has no private keys: copy ${folder} as well, with ${counted(keys, 'key')}, and keep it secret`);
}

async function folderOf({ folder, config }: Omit<StateWords, 'above'>): Promise<string> {
  if (folder !== undefined) return resolve(folder);
  const { readConfig } = await import('../../config/load.js');
  const configured =
    config === undefined ? process.env.STATE_DIRECTORY?.split(':')[0] : readConfig(config).state?.folder;
  if (configured) return resolve(configured);
  throw new UsageError('adotd ctl state: expected --config FILE of a server with `state`, or --folder DIR');
}

/** The zones and serials of `--above ZONE=SERIAL`. */
function serialsOf(words: readonly string[]): Map<string, number> {
  return new Map(
    words.map((word) => {
      const [, zone = '', serial = ''] = /^(.+)=([0-9]{1,10})$/.exec(word) ?? [];
      if (zone === '' || Number(serial) > 0xffffffff)
        throw new UsageError(`adotd ctl state: --above: found ${word}, expected ZONE=SERIAL`);
      return [zoneKey(zone), Number(serial)];
    }),
  );
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}

async function write(file: string, lines: AsyncIterable<string>): Promise<void> {
  const output = file === '-' ? process.stdout : createWriteStream(file, { mode: 0o600, flush: true });
  try {
    for await (const line of lines) if (!output.write(line)) await once(output, 'drain');
    if (output === process.stdout) return;
    output.end();
    await finished(output);
  } catch (error) {
    if (error instanceof AdotdError) throw error;
    throw new AdotdError(ErrorCode.FILE, `cannot write ${file}: ${systemReason(error)}`, { cause: error });
  }
}
