import { jsonSchema } from '../config/reference.js';
import { Exit, parse, UsageError, type Verb } from './arguments.js';

/** `adotd schema`: the JSON Schema of adotd.yaml, for editors. */
export const schema: Verb = {
  help: `usage: adotd schema

Prints the JSON Schema of adotd.yaml, for editors that complete and check YAML.
`,
  options: {},
  async run(words) {
    const { positionals } = parse('schema', words, {});
    if (positionals.length > 0)
      throw new UsageError(`adotd schema: unexpected ${positionals[0]}; see adotd schema --help`);
    process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    return Exit.OK;
  },
};
