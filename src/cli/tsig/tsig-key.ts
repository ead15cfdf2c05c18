/** `adotd keys tsig`: makes a key of TSIG (RFC 8945), or prints a configured one, in the forms of nameservers. */
import { randomBytes } from 'node:crypto';
import { readConfig } from '../../config/load.js';
import { nameFromText, nameKey, nameToText } from '../../protocol/name.js';
import { TSIG_ALGORITHMS } from '../../protocol/tsig/tsig-key.js';
import { configuredKey } from '../../server/plane/tsig-secrets.js';
import { UsageError } from '../arguments.js';

/** The parts of a key that are printed. */
interface PrintedKey {
  /** Absolute. */
  readonly name: string;
  readonly algorithm: string;
  /** In base64. */
  readonly secret: string;
}

type Form = (key: PrintedKey) => string;

/** The programs that read a key, and the form that each expects. */
const FORMS: Readonly<Record<string, { readonly title: string; readonly form: Form }>> = {
  adotd: {
    title: 'adotd (adotd.yaml)',
    form: ({ name, algorithm, secret }) => `tsig:
  - name: ${name}
    algorithm: ${algorithm}
    secret: ${secret}
`,
  },
  bind: {
    title: 'BIND (named.conf, nsupdate -k)',
    form: ({ name, algorithm, secret }) => `key "${name}" {
	algorithm ${algorithm};
	secret "${secret}";
};
`,
  },
  knot: {
    title: 'Knot (knot.conf)',
    form: ({ name, algorithm, secret }) => `key:
  - id: ${name}
    algorithm: ${algorithm}
    secret: ${secret}
`,
  },
  nsd: {
    title: 'NSD (nsd.conf)',
    form: ({ name, algorithm, secret }) => `key:
	name: "${name}"
	algorithm: ${algorithm}
	secret: "${secret}"
`,
  },
  dig: {
    title: 'dig, kdig, nsupdate, adotd query',
    form: ({ name, algorithm, secret }) => `-y ${algorithm}:${name}:${secret}\n`,
  },
};

const ALGORITHM = 'hmac-sha256';

/** How a key is asked for. */
interface Wanted {
  readonly algorithm?: string | undefined;
  /** Only this form. */
  readonly form?: string | undefined;
  /** Configuration that has the key. */
  readonly config?: string | undefined;
}

/** The text that is printed for the key `name`. Throws UsageError, ADOTD_CONFIG and ADOTD_FILE. */
export function tsigKeyText(name: string, { algorithm, form, config }: Wanted): string {
  const only = form === undefined ? undefined : FORMS[form];
  if (form !== undefined && only === undefined)
    throw new UsageError(`adotd keys: --for: found ${form}, expected ${Object.keys(FORMS).join(', ')}`);
  const key = config === undefined ? newKey(name, algorithm ?? ALGORITHM) : keyOfConfig(name, config, algorithm);
  if (only !== undefined) return only.form(key);
  // YAML of adotd and of Knot, BIND and NSD all know comments that begin so.
  return Object.values(FORMS)
    .map(({ title, form: write }) => `# ${title}\n${write(key)}`)
    .join('\n');
}

/** A key with a secret as long as the algorithm's hash (RFC 8945 §8). */
function newKey(name: string, algorithm: string): PrintedKey {
  const row = TSIG_ALGORITHMS.find((one) => one.name === algorithm);
  if (row === undefined) {
    const known = TSIG_ALGORITHMS.map((one) => one.name).join(', ');
    throw new UsageError(`adotd keys: --algorithm: found ${algorithm}, expected ${known}`);
  }
  return { name: absolute(name), algorithm, secret: randomBytes(row.octets).toString('base64') };
}

function keyOfConfig(name: string, file: string, algorithm: string | undefined): PrintedKey {
  if (algorithm !== undefined)
    throw new UsageError('adotd keys: --algorithm: the key is in the configuration; leave one of the two out');
  const wanted = absolute(name);
  const found = readConfig(file).tsig.find((key) => absolute(key.name) === wanted);
  if (found === undefined)
    throw new UsageError(`adotd keys: found no key ${wanted} in ${file}, expected it under tsig`);
  const { secret } = configuredKey(found);
  return { name: wanted, algorithm: found.algorithm, secret: Buffer.from(secret).toString('base64') };
}

function absolute(name: string): string {
  return nameToText(nameFromText(nameKey(nameFromText(name))));
}
