import { ConfigError } from '../../src/config/config-error.js';
import { parseConfig } from '../../src/config/load.js';

/** The lines in which the mistakes of an adotd.yaml are told; none where there are none. */
export function mistakes(text: string): string[] {
  try {
    parseConfig(text, 'adotd.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}
