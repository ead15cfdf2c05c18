/** Lets a server start without secrets whose files cannot be used. */
import type { Config } from '../config/schema.js';
import { answerSettings } from './plane/configured-settings.js';
import { configuredKey } from './plane/tsig-secrets.js';
import type { StartTroubles } from './start-troubles.js';

/**
 * The configuration with random cookie secrets where their file cannot be used, and without the TSIG keys whose files cannot be used; and a
 * line for each mistake.
 */
export function withUsableSecrets(
  config: Config,
  troubles: StartTroubles,
): { readonly usable: Config; readonly mistakes: readonly string[] } {
  const mistakes: string[] = [];
  const tsig = config.tsig.filter((key) => {
    try {
      configuredKey(key);
      return true;
    } catch (error) {
      mistakes.push(troubles.pass(error, `queries signed with the key ${key.name} get NOTAUTH`));
      return false;
    }
  });
  const usable = { ...config, tsig };
  try {
    answerSettings(usable);
    return { usable, mistakes };
  } catch (error) {
    const line = troubles.pass(error, 'cookies are made with other secrets');
    const { secret_file: _, ...cookies } = config.cookies;
    return { usable: { ...usable, cookies }, mistakes: [...mistakes, line] };
  }
}
