/** The remotes that can be asked: their files (certificates and secrets) can be used, or could be used before. */
import type { Config } from '../../config/schema.js';
import { AdotdError, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { zoneKey } from '../../protocol/name.js';
import type { PrimarySettings } from './primary-settings.js';
import { primaryOf } from './secondary-settings.js';

/** A remote as it could last be used. */
interface Used {
  /** Its entry in the configuration, and that of its key. */
  readonly entry: string;
  readonly settings: PrimarySettings;
}

export class UsableRemotes {
  readonly #log: Pick<Log, 'error' | 'info'>;
  readonly #consequence: string;
  #used: ReadonlyMap<string, Used> = new Map();
  #problems: ReadonlyMap<string, string> = new Map();

  /** `consequence`: of a remote that cannot be used, for the log: `no zones come from it`. */
  constructor(log: Pick<Log, 'error' | 'info'>, consequence: string) {
    this.#log = log;
    this.#consequence = consequence;
  }

  /** A line for each remote whose files could not be used when they were last read. */
  get problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  /**
   * Reads the files of the remotes of these names, and returns those that can be used. One whose files are broken by now stays as it was,
   * as long as its entry in the configuration is the same. A broken file is logged once.
   */
  configure({ remotes, tsig }: Pick<Config, 'remotes' | 'tsig'>, names: ReadonlySet<string>): PrimarySettings[] {
    const keys = new Map(tsig.map((key) => [zoneKey(key.name), key]));
    const used = new Map<string, Used>();
    const problems = new Map<string, string>();
    for (const remote of remotes) {
      const { name, key } = remote;
      if (!names.has(name)) continue;
      const entry = JSON.stringify([remote, key && keys.get(zoneKey(key))]);
      try {
        used.set(name, { entry, settings: primaryOf(remote, { tsig }) });
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        const before = this.#used.get(name);
        const kept = before?.entry === entry ? before : undefined;
        if (kept !== undefined) used.set(name, kept);
        const consequence = kept === undefined ? this.#consequence : 'its files stay in force as they were';
        problems.set(name, `remote ${name}: ${messageOf(error)}; ${consequence}`);
      }
    }
    this.#say(problems);
    this.#used = used;
    this.#problems = problems;
    return [...used.values()].map(({ settings }) => settings);
  }

  #say(problems: ReadonlyMap<string, string>): void {
    for (const [remote, line] of problems) if (this.#problems.get(remote) !== line) this.#log.error({ remote }, line);
    for (const remote of this.#problems.keys())
      if (!problems.has(remote)) this.#log.info({ remote }, `remote ${remote}: its files can be used`);
  }
}
