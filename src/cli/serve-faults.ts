/** `adotd serve --faults FILE`: injects faults by the rules of a file, which may change while the server runs. */
import { AdotdError, counted } from '../errors.js';
import { parseFaults, readFaultText } from '../fixture/faults/fault-file.js';
import { Interceptor } from '../fixture/faults/interceptor.js';
import { Rules } from '../fixture/faults/rules.js';
import type { Log } from '../observe/log.js';
import type { InjectedFaults } from '../server/daemon.js';

/**
 * Reads the file for the first time, and warns loudly. Throws ADOTD_FILE or ADOTD_CONFIG. When the file is reloaded, another content
 * replaces the rules, and their counts and random numbers begin anew; a content with mistakes changes nothing.
 */
export function openFaults(file: string, seed: number, log: Log): InjectedFaults {
  const rules = new Rules(seed);
  let served: string;
  const read = (text: string): number => {
    const faults = parseFaults(text, file);
    rules.clear();
    rules.add(faults);
    served = text;
    return faults.length;
  };
  const count = read(readFaultText(file));
  log.warn(
    { file, rules: count, seed },
    `THIS SERVER ANSWERS WRONGLY ON PURPOSE, by ${counted(count, 'rule')} of ${file} (--faults): never let it serve anybody but tests`,
  );
  const interceptor = new Interceptor(rules);
  let zones: () => readonly string[] = () => [];
  const warnOfOthers = (): void => {
    for (const line of rules.outside(zones())) log.warn({ file }, `this fault is never injected: ${line}`);
  };
  return {
    file,
    interceptor,
    serve(facts) {
      interceptor.tls.serve(facts.tls);
      interceptor.signWith(facts.keys);
      zones = facts.zones;
      warnOfOthers();
    },
    reload({ zone, paths }) {
      if (zone !== undefined || (paths !== undefined && !paths.has(file))) return [];
      try {
        const text = readFaultText(file);
        if (text === served) return [];
        const found = read(text);
        log.warn(
          { file, rules: found },
          `answering wrongly by ${counted(found, 'rule')} of ${file} now, counted from the first`,
        );
        warnOfOthers();
        return [];
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        log.error({ err: error, file }, `the faults stay as they were: ${error.message}`);
        return error.message.split('\n');
      }
    },
  };
}
