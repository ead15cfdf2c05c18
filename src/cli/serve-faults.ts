/** `adotd serve --faults FILE`: what goes wrong on purpose, by a file that may change while the server runs. */
import { AdotdError } from '../errors.js';
import { parseFaults, readFaultText } from '../fixture/faults/fault-file.js';
import { Rules } from '../fixture/faults/rules.js';
import { Traffic } from '../fixture/faults/traffic.js';
import type { Log } from '../observe/log.js';
import type { ReloadRequest } from '../server/zones/zone-loader.js';

export interface ServedFaults {
  readonly file: string;
  readonly traffic: Traffic;
  /**
   * Reads the file again, unless the request is about something else. Another content takes the place of the one there was, and its
   * counts and lots begin anew; one that cannot be used changes nothing, and is the result, a line for each mistake.
   */
  reload(request: ReloadRequest): readonly string[];
}

/** Reads the file for the first time, and says loudly what that means. Throws ADOTD_FILE or ADOTD_CONFIG. */
export function openFaults(file: string, seed: number, log: Log): ServedFaults {
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
    `THIS SERVER ANSWERS WRONGLY ON PURPOSE, by ${count} rules of ${file} (--faults): never let it serve anybody but tests`,
  );
  return {
    file,
    traffic: new Traffic(rules),
    reload({ zone, paths }) {
      if (zone !== undefined || (paths !== undefined && !paths.has(file))) return [];
      try {
        const text = readFaultText(file);
        if (text === served) return [];
        const found = read(text);
        log.warn({ file, rules: found }, `answering wrongly by ${found} rules of ${file} now, counted from the first`);
        return [];
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        log.error({ err: error, file }, `the faults stay as they were: ${error.message}`);
        return error.message.split('\n');
      }
    },
  };
}
