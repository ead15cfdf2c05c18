// Manual pages in roff's man macros: adotd(1) from the help texts of the verbs, adotd.yaml(5) from the schema of the configuration.
import { VERBS } from '../build/cli/command.js';
import { parseHelp } from '../build/cli/help-text.js';
import { jsonSchema } from '../build/config/reference.js';
import { version } from '../build/version.js';

const EXIT_STATUS = [
  ['0', 'What was asked for was done.'],
  ['1', 'It could not be done, or errors were found.'],
  ['2', 'The command line is wrong.'],
];
const SIGNALS = [
  ['HUP', 'Loads what has changed: configuration, zones, certificates, keys.'],
  ['USR1', 'Logs statistics.'],
  ['TERM, INT', 'Stops listening, finishes the answers that have begun, and ends.'],
];

/** Text as roff prints it: no character of it is a request or an escape. */
const plain = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
/** The argument of a macro. */
const argument = (text) => `"${plain(text).replaceAll('"', '\\(dq')}"`;
/** Markdown's code marks become bold. */
const prose = (text) => plain(text).replace(/`([^`]*)`/g, '\\fB$1\\fR');
const item = (tag, text) => `.TP\n${tag}\n${prose(text)}`;
const block = (text) => (text.startsWith('  ') ? `.PP\n.nf\n${plain(text)}\n.fi` : `.PP\n${prose(text)}`);

function page(name, section, title, body) {
  return `.\\" Written by npm run docs.
.TH ${name.toUpperCase()} ${section} "" ${argument(`adotd ${version()}`)}
.SH NAME
${plain(name)} \\- ${plain(title)}
${body.join('\n')}
`;
}

export async function commandPage() {
  const verbs = [];
  for (const [name, { load }] of Object.entries(VERBS)) {
    const { usage, paragraphs, commands, options } = parseHelp((await load()).help);
    verbs.push(
      `.SS ${argument(`adotd ${name}`)}`,
      `.B ${plain(usage)}`,
      ...paragraphs.map(block),
      ...commands.map(({ name: word, words, meaning }) =>
        item(`\\fB${plain(word)}\\fR ${plain(words)}`.trim(), meaning),
      ),
      ...options.map(({ name: option, value, meaning }) =>
        item(`\\fB${plain(option)}\\fR${value === undefined ? '' : ` \\fI${plain(value)}\\fR`}`, meaning),
      ),
    );
  }
  return page('adotd', 1, 'authoritative DNS nameserver over UDP, TCP, STARTTLS and TLS', [
    '.SH SYNOPSIS',
    '.B adotd\n\\fIVERB\\fR [\\fIOPTION\\fR...]',
    '.br\n.B adotd\n\\fIVERB\\fR \\fB\\-\\-help\\fR',
    '.br\n.B adotd \\-\\-version',
    '.SH DESCRIPTION',
    'adotd answers DNS queries from zone files. It serves UDP, TCP and DNS over TLS at once, and the STARTTLS upgrade on TCP.',
    '.SH VERBS',
    ...verbs,
    '.SH "EXIT STATUS"',
    ...EXIT_STATUS.map(([status, meaning]) => item(status, meaning)),
    '.SH SIGNALS\nof \\fBadotd serve\\fR:',
    ...SIGNALS.map(([signal, meaning]) => item(signal, meaning)),
    '.SH "SEE ALSO"',
    '.BR adotd.yaml (5)',
  ]);
}

export function configurationPage() {
  const keys = [];
  const add = (prefix, schema) => {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const key = `${prefix}${name}`;
      if (property.properties) {
        add(`${key}.`, property);
        continue;
      }
      const fallback = property.default === undefined ? '' : ` Default: \`${JSON.stringify(property.default)}\`.`;
      keys.push(item(`.B ${plain(key)}`, `${property.description ?? ''}${fallback}`));
      if (property.type === 'array') add(`${key}[].`, property.items ?? {});
    }
  };
  add('', jsonSchema());
  return page('adotd.yaml', 5, 'configuration of adotd', [
    '.SH DESCRIPTION',
    prose(
      '`adotd serve --config FILE` reads this file, in YAML. A key that is not known is refused. Paths are relative to the file.',
    ),
    '.PP',
    prose('A key such as `tls.padding` stands below `tls`. `[]` marks the entries of a list.'),
    '.SH KEYS',
    ...keys,
    '.SH EXAMPLE',
    '.nf\nlisten: [192.0.2.1, "2001:db8::1"]\nzones:\n  folder: zones\ntls:\n  certificates:\n    \\- { cert: ns1.pem, key: ns1.key }\n.fi',
    '.SH "SEE ALSO"',
    '.BR adotd (1)',
  ]);
}
