import { jsonSchema } from '../config/reference.js';
import { Exit, parse, type Verb } from './arguments.js';

/** `adotd schema`: the JSON Schema of adotd.yaml, for editors. */
export const schema: Verb = {
  help: `usage: adotd schema

Prints the JSON Schema of adotd.yaml, for editors that complete and check YAML.
`,
  async run(words) {
    parse('schema', words, {});
    process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    return Exit.OK;
  },
};
