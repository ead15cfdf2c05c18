/** The commands that `adotd fixture` takes while it runs: what the object of startServer() has, as JSON. docs/testing.md lists them. */
import { z } from 'zod';
import { describeIssues } from '../config/issues.js';
import { nearest } from '../config/nearest.js';
import { AdotdError, ErrorCode } from '../errors.js';
import type { FaultRule } from '../fixture/fault-rule.js';
import type { RunningServer } from '../fixture/start.js';
import { type FollowedZones, readText } from './fixture-files.js';

/** What commands are about. */
export interface Fixture {
  readonly server: RunningServer;
  readonly files: FollowedZones;
  /** What the first line said. */
  facts(): object;
}

/** `wait`: later commands are run before it is done. `last`: when it is done all is over. */
export type CommandKind = 'now' | 'wait' | 'last';

/** A command that can be run; its result are the fields of the reply besides `id` and `ok`. */
export interface ReadyCommand {
  readonly id: string | number | undefined;
  readonly kind: CommandKind;
  run(fixture: Fixture): Promise<object>;
}

/** Characters of an `id`. A guess. */
const MAX_ID = 200;
/** Each answer is held against each rule. A guess. */
const MAX_RULES = 10_000;
/** Milliseconds: an hour, as of faults. */
const LONGEST = 3_600_000;
const MAX_TTL = 2 ** 31 - 1;
/** Maps and lists inside of each other: records as dns-packet writes them have less. A guess. */
const MAX_DEPTH = 16;

/** Keys that every command has. */
const COMMON = {
  command: z.string(),
  id: z
    .union([z.string().max(MAX_ID), z.number()], `expected a number, or text of at most ${MAX_ID} characters`)
    .optional(),
};

const text = z.string();
const packetRecord = {
  name: text,
  ttl: z.number().int().min(0).max(MAX_TTL).optional(),
  class: text.optional(),
  data: z.unknown().optional(),
};
const record = z.strictObject({ ...packetRecord, type: text });
const recordInput = z.union([text, record], 'expected a line of a zone file, or a record as dns-packet writes it');
const removedRecords = z.union(
  [text, z.strictObject({ ...packetRecord, type: text.optional() })],
  'expected a line of a zone file, or a record as dns-packet writes it, or {"name": …} with or without "type"',
);
interface Command {
  readonly kind: CommandKind;
  /** Throws ADOTD_CONFIG. */
  parse(value: object): (fixture: Fixture) => Promise<object>;
}

function command<Shape extends z.core.$ZodShape>(
  shape: Shape,
  run: (fixture: Fixture, given: z.output<z.ZodObject<Shape & typeof COMMON>>) => unknown,
  kind: CommandKind = 'now',
): Command {
  const schema = z.strictObject({ ...COMMON, ...shape });
  return {
    kind,
    parse(value) {
      const result = schema.safeParse(value);
      if (!result.success) throw describeIssues(result.error.issues, value, schema);
      return async (fixture) => ({ ...((await run(fixture, result.data)) ?? {}) });
    },
  };
}

const COMMANDS: Readonly<Record<string, Command>> = {
  'set-zone': command(
    { zone: text, text: text.optional(), records: z.array(record).optional(), file: text.optional() },
    async ({ server, files }, { zone, text, records, file }) => {
      const given = Object.entries({ text, records, file }).flatMap(([key, value]) =>
        value === undefined ? [] : [key],
      );
      if (given.length !== 1) {
        throw refused(`found ${given.join(' and ') || 'no records'}, expected one of text, records, file`);
      }
      const read = file === undefined ? undefined : readText(file);
      await server.setZone(zone, records ?? text ?? read ?? '');
      if (file !== undefined) files.follow(zone, file, read ?? '');
      else files.forget(zone);
    },
  ),
  'remove-zone': command({ zone: text }, async ({ server, files }, { zone }) => {
    await server.removeZone(zone);
    files.forget(zone);
  }),
  'add-record': command({ zone: text, record: recordInput }, async ({ server, files }, { zone, record }) => {
    await server.addRecord(zone, record);
    files.forget(zone);
  }),
  'remove-record': command({ zone: text, record: removedRecords }, async ({ server, files }, { zone, record }) => {
    const removed = await server.removeRecord(zone, record);
    if (removed > 0) files.forget(zone);
    return { removed };
  }),
  'add-faults': command({ faults: z.array(z.unknown()).min(1).max(MAX_RULES) }, ({ server }, { faults }) =>
    // Checked there, as rules of programs are.
    server.faults.add(...(faults as FaultRule[])),
  ),
  'clear-faults': command({}, ({ server }) => server.faults.clear()),
  queries: command({}, ({ server }) => ({ queries: server.queries() })),
  'clear-queries': command({}, ({ server }) => server.clearQueries()),
  'wait-for-query': command(
    // Checked there, as that of a program is.
    { match: z.looseObject({}).optional(), timeout: z.number().min(0).max(LONGEST).optional() },
    async ({ server }, { match = {}, timeout }) => ({ query: await server.waitForQuery(match, { timeout }) }),
    'wait',
  ),
  reload: command({}, ({ server, files }) => files.reload(server)),
  facts: command({}, ({ server, facts }) => ({ facts: { ...facts(), addresses: server.addresses } })),
  close: command({}, () => {}, 'last'),
};

/** The names of all commands. */
export const COMMAND_NAMES = Object.keys(COMMANDS);
const EXAMPLE = 'expected an object such as {"command":"queries"}';

/** What may be given back with an error: the command's own id, if it has one that can be told. */
export interface Refusal {
  readonly id: string | number | undefined;
  readonly error: AdotdError;
}

/** The command of a line; or, where it is none, why: ADOTD_CONFIG. */
export function readCommand(octets: Uint8Array): ReadyCommand | Refusal {
  let id: string | number | undefined;
  try {
    const value = objectOf(octets);
    const given = COMMON.id.safeParse(Reflect.get(value, 'id'));
    if (given.success) id = given.data;
    const name: unknown = Reflect.get(value, 'command');
    if (name === undefined) throw refused(`command: missing; expected one of ${COMMAND_NAMES.join(', ')}`);
    const known = typeof name === 'string' && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (known === undefined) {
      const near = nearest(String(name), COMMAND_NAMES);
      const hint = near === undefined ? `expected one of ${COMMAND_NAMES.join(', ')}` : `did you mean ${near}?`;
      throw refused(`command: found ${shown(JSON.stringify(name))}; ${hint}`);
    }
    return { id, kind: known.kind, run: known.parse(value) };
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return { id, error };
  }
}

function objectOf(octets: Uint8Array): object {
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw refused(`not UTF-8; ${EXAMPLE}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    // Not every version of V8 tells the place, or tells it of every mistake.
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const place = at === undefined ? '' : ` at column ${Number(at) + 1}`;
    throw refused(`not JSON${place}: found ${shown(line) || 'nothing'}, ${EXAMPLE}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(`found ${shown(line)}, ${EXAMPLE}`);
  }
  // What is deeper cannot be printed: JSON.stringify() and others call themselves.
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw refused(`nested deeper than ${MAX_DEPTH} levels`);
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return value;
}

function refused(message: string): AdotdError {
  return new AdotdError(ErrorCode.CONFIG, message);
}

/** The beginning of what was found. */
function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
