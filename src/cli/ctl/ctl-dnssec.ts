/** `adotd ctl dnssec`: the keys of zones that the server signs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../../config/nearest.js';
import type { KeyRole } from '../../dnssec/rollover/key-state.js';
import { AdotdError, counted, ErrorCode, systemReason } from '../../errors.js';
import type { ExportedKey, SigningCommand } from '../../server/control/signing-control.js';
import type { RollOutcome } from '../../server/signing/signing-commands.js';
import type { DnssecStatus } from '../../server/signing/signing-status.js';
import { makeFolders } from '../../state/make-folders.js';
import { Exit, UsageError } from '../arguments.js';
import type { ControlClient } from '../ctl-client.js';
import { signingText } from './dnssec-text.js';
import { readKeysToImport } from './imported-keys.js';

/** The client of the server, and the options of the command line. */
interface DnssecCall {
  readonly client: ControlClient;
  readonly json: boolean;
  readonly key: string | undefined;
  readonly role: string | undefined;
  readonly algorithm: string | undefined;
  readonly compromised: boolean;
  readonly clockIsRight: boolean;
}

type Answer = Partial<RollOutcome> & { readonly made?: number };

interface Command {
  /** The words that are expected behind the name of the zone. */
  readonly behind: 'nothing' | 'key' | 'files' | 'folder';
  run(call: DnssecCall, zone: string, words: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  roll: {
    behind: 'nothing',
    async run(call, zone) {
      const { key, compromised } = call;
      const role = roleOf(call.role);
      const { costs = [], waits = [] } = await order(call, zone, { command: 'roll', key, role, compromised });
      const text = waits.length === 0 ? `${zone} gets new keys` : `${zone} gets new keys later`;
      return done(call, { costs, waits }, [text, ...waits, ...costs].join('\n'));
    },
  },
  'ds-seen': {
    behind: 'key',
    async run(call, zone, [key = '']) {
      await order(call, zone, { command: 'ds-seen', key });
      return done(call, {}, `the DS record of key ${key} is at the parent of ${zone}`);
    },
  },
  'ds-gone': {
    behind: 'key',
    async run(call, zone, [key = '']) {
      await order(call, zone, { command: 'ds-gone', key });
      return done(call, {}, `the DS record of key ${key} is no more at the parent of ${zone}`);
    },
  },
  freeze: {
    behind: 'nothing',
    async run(call, zone) {
      await order(call, zone, { command: 'freeze' });
      return done(call, {}, `the keys of ${zone} stand still; signatures are renewed`);
    },
  },
  thaw: {
    behind: 'nothing',
    async run(call, zone) {
      await order(call, zone, { command: 'thaw' });
      return done(call, {}, `the keys of ${zone} move again`);
    },
  },
  sign: {
    behind: 'nothing',
    async run(call, zone) {
      const { made = 0 } = await order(call, zone, { command: 'sign', clockIsRight: call.clockIsRight });
      return done(call, { made }, `${counted(made, 'signature')} of ${zone} made anew`);
    },
  },
  start: {
    behind: 'nothing',
    async run(call, zone) {
      await order(call, zone, { command: 'start' });
      return done(call, {}, `${zone} may have a first key`);
    },
  },
  import: {
    behind: 'files',
    async run(call, zone, files) {
      const { algorithm } = call;
      const keys = readKeysToImport(zone, files, { role: roleOf(call.role), algorithm }, Date.now() / 1000);
      await order(call, zone, { command: 'import', keys });
      const roles = keys.map(({ role }) => role.toUpperCase()).join(', ');
      return done(call, { imported: keys.length }, `${counted(keys.length, 'key')} of ${zone} imported: ${roles}`);
    },
  },
  export: {
    behind: 'folder',
    async run(call, zone, [folder = '']) {
      const path = `/dnssec/${encodeURIComponent(zone)}/keys`;
      const { keys } = (await call.client.json('POST', path)) as { keys: ExportedKey[] };
      const files = writeKeys(keys, folder);
      return done(call, { files }, `${counted(keys.length, 'key')} of ${zone} written:\n  ${files.join('\n  ')}`);
    },
  },
};

const NAMES = ['status', ...Object.keys(COMMANDS)];

/** Carries out `dnssec WORD…`; fulfilled with the exit status. */
export async function dnssec([name, zone, ...words]: readonly string[], call: DnssecCall): Promise<number> {
  if (name === undefined) throw new UsageError(`adotd ctl dnssec: expected ${NAMES.join(', ')}`);
  if (name === 'status') {
    if (words[0] !== undefined) throw new UsageError(`adotd ctl dnssec status: unexpected ${words[0]}`);
    return status(call, zone);
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const near = nearest(name, NAMES);
    const hint = near === undefined ? `known are ${NAMES.join(', ')}` : `did you mean ${near}?`;
    throw new UsageError(`adotd ctl dnssec: unknown command ${name}; ${hint}`);
  }
  checkWords(name, command, zone, words);
  return command.run(call, zone ?? '', words);
}

function checkWords(name: string, { behind }: Command, zone: string | undefined, words: readonly string[]): void {
  const expected = { nothing: 'ZONE', key: 'ZONE KEY', files: 'ZONE FILE…', folder: 'ZONE DIR' }[behind];
  const isRight =
    behind === 'nothing' ? words.length === 0 : behind === 'files' ? words.length > 0 : words.length === 1;
  if (zone === undefined || !isRight) throw new UsageError(`adotd ctl dnssec ${name}: expected ${expected}`);
}

async function status(call: DnssecCall, zone: string | undefined): Promise<number> {
  const path = zone === undefined ? '/dnssec' : `/dnssec/${encodeURIComponent(zone)}`;
  const found = (await call.client.json('GET', path)) as DnssecStatus | DnssecStatus[];
  const zones = Array.isArray(found) ? found : [found];
  const text = call.json ? JSON.stringify(zones, undefined, 2) : signingText(zones, Date.now() / 1000).trimEnd();
  process.stdout.write(`${text}\n`);
  return zones.some(({ state }) => state === 'failed') ? Exit.FAILED : Exit.OK;
}

async function order({ client }: DnssecCall, zone: string, command: SigningCommand): Promise<Answer> {
  return (await client.json('POST', `/dnssec/${encodeURIComponent(zone)}`, command)) as Answer;
}

function done({ json }: DnssecCall, value: object, text: string): number {
  process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : text}\n`);
  return Exit.OK;
}

function roleOf(text: string | undefined): KeyRole | undefined {
  if (text === undefined || text === 'csk' || text === 'ksk' || text === 'zsk') return text;
  throw new UsageError(`adotd ctl dnssec: --role: found ${text}, expected csk, ksk or zsk`);
}

/** Writes the files of each key, for the user alone. No file is overwritten. Throws ADOTD_FILE. */
function writeKeys(keys: readonly ExportedKey[], folder: string): string[] {
  const files = keys.flatMap(
    ({ stem, public: record, private: secret, pem }) =>
      [
        [`${stem}.key`, record],
        [`${stem}.private`, secret],
        [`${stem}.pem`, pem],
      ] as const,
  );
  try {
    makeFolders(folder, 0o700);
    return files.map(([name, text]) => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
      return path;
    });
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot write keys into ${folder}: ${systemReason(error)}`, { cause: error });
  }
}
