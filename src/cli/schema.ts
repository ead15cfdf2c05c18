import { jsonSchema } from '../config/reference.js';
import { reportJsonSchema } from '../report/report-schema.js';
import { Exit, parse, UsageError, type Verb } from './arguments.js';

/** `adotd schema`: the JSON Schema of adotd.yaml, for editors, or that of reports, for programs that read them. */
export const schema: Verb = {
  help: `usage: adotd schema [report]

Prints the JSON Schema of adotd.yaml, for editors that complete and check YAML; with report, that of adotd report --format json.
`,
  options: {},
  async run(words) {
    const { positionals } = parse('schema', words, {});
    const [what, ...more] = positionals;
    const wrong = what === 'report' ? more[0] : what;
    if (wrong !== undefined) throw new UsageError(`adotd schema: unexpected ${wrong}; see adotd schema --help`);
    const schema = what === 'report' ? reportJsonSchema() : jsonSchema();
    process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
    return Exit.OK;
  },
};
