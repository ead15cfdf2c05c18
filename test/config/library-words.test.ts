/** Whatever is wrong with what a user has written: the words are ours, not those of the libraries that found it. */
import { describe, expect, it } from 'vitest';
import { describeIssues } from '../../src/config/issues.js';
import { parseConfig } from '../../src/config/load.js';
import { jsonSchema } from '../../src/config/reference.js';
import { configSchema } from '../../src/config/schema.js';
import { messageOf } from '../../src/errors.js';
import { parseFaults } from '../../src/fixture/faults/fault-file.js';
import { FAULTS } from '../../src/fixture/faults/fault-rule.js';
import { checkRule, isMistakes } from '../../src/fixture/faults/rule-check.js';

/** Words of zod and of yaml. */
const LIBRARY =
  /Invalid|received|Too (?:big|small)|Unrecognized|zod|YAML\.|[Ii]mplicit|Unexpected|\bflow\b|scalar|indicator|[Cc]ollection|token|Unresolved|Excessive/;
const FORM = /(?:expected|missing|unknown key;) /;

const VALUES: readonly unknown[] = [
  ...['x', '', -1, 1.5, 1e12, Number.NaN, true, null, [], {}, ['x'], [1], [{}], { x: 1 }, 10n, 'a'.repeat(5000)],
];

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
}

/** The paths of all values that a schema describes. */
function paths({ properties = {}, items }: Described, path: readonly string[] = []): (readonly string[])[] {
  const below = Object.entries(properties).flatMap(([key, inner]) => paths(inner, [...path, key]));
  return [path, ...below, ...(items === undefined ? [] : paths(items, [...path, '0']))];
}

/** `value` at a path of a map or list that has nothing else. */
function nested([key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  return key === '0' ? [nested(rest, value)] : { [key]: nested(rest, value) };
}

describe('a mistake is told in our own words', () => {
  it('in any value of the configuration', () => {
    const messages = new Set<string>();
    for (const path of paths(jsonSchema() as Described)) {
      for (const value of VALUES) {
        const whole = nested(path, value);
        const { error } = configSchema.safeParse(whole);
        for (const line of error ? describeIssues(error.issues, whole).message.split('\n') : []) messages.add(line);
      }
    }
    expect(messages.size).toBeGreaterThan(500);
    expect([...messages].filter((line) => LIBRARY.test(line) || !FORM.test(line))).toEqual([]);
  });

  it('in any value of a fault', () => {
    const keys = ['fault', ...new Set(Object.values(FAULTS).flatMap(({ keys: own }) => own as readonly string[]))];
    const rules = [
      ...['transport', 'nth', 'times', 'name', 'type', 'probability', ...keys].flatMap((key) =>
        VALUES.map((value) => ({ fault: 'drop', [key]: value })),
      ),
      ...VALUES,
    ];
    const messages = rules.flatMap((rule) => {
      const checked = checkRule(rule);
      return isMistakes(checked) ? checked.map(({ message }) => message) : [];
    });
    expect(messages.length).toBeGreaterThan(100);
    expect(messages.filter((line) => LIBRARY.test(line))).toEqual([]);
  });

  it.each([
    ['listen: 1\n---\nport: 1\n', '2:1: not YAML: found a second document behind ---; expected one: leave the line'],
    ['port: 1\nport: 2\n', '2:1: not YAML: found this key for the second time; expected each key once'],
    ['port:1\nlisten: x\n', 'not YAML: found a text of several lines; expected "key: value" on each'],
    ['log:\n\tlevel: info\n', '2:1: not YAML: found a tab at the beginning of the line; indent with spaces'],
    ['listen: [a, b\n', 'not YAML: '],
    ['zones: { folder: a\n', 'not YAML: '],
    ['nsid: "abc\n', 'not YAML: the quote that ends the text is missing'],
    ["nsid: 'abc\n", 'not YAML: the quote that ends the text is missing'],
    ['nsid: "a\\qb"\n', 'not YAML: found a backslash with a meaning of its own in double quotes'],
    ['nsid: @home\n', 'not YAML: found a character that no text begins with; put the text in quotes'],
    ['listen:\n  - a\n - b\n', 'not YAML: '],
    ['port: 53: 54\n', 'not YAML: found a second colon on the line'],
    ['listen: [a,, b]\n', 'not YAML: found a comma too many'],
    ['nsid: *x\n', '1:7: *x: found an alias that stands for nothing; expected &x before it, or the text in quotes'],
    ['nsid: !secret x\n', 'not YAML: found a tag (!) that is not known; leave it out, or put the text in quotes'],
    ['? [a]\n: 1\n', 'not YAML: found a key that is no text; expected a name'],
    ['%YAML 9\n---\nport: 1\n', 'not YAML: '],
    ['a: &a [1, 2]\nb: [*a, *a]\n', 'b: unknown key'],
  ])('in YAML that is wrong: %j', (text, message) => {
    const said = saidOf(() => parseConfig(text, 'adotd.yaml'));
    expect(said).toContain(message);
    expect(said).not.toMatch(LIBRARY);
  });

  it('in YAML that was damaged anywhere', () => {
    const sound =
      'zones:\n  folder: zones # here\n  files: [{ file: "a" }, { file: \'b\' }]\nlisten:\n  - 192.0.2.1\nlog: &l { level: info }\n';
    const marks = [...'[]{}:,-"\'#&*!|>%@`\t\n\\?', ''];
    for (let at = 0; at <= sound.length; at++) {
      // A few at each place: together all of them everywhere.
      for (const mark of [0, 6, 12, 18].map((step) => marks[(at + step) % marks.length] ?? '')) {
        for (const text of [
          sound.slice(0, at) + mark + sound.slice(at),
          sound.slice(0, at) + mark + sound.slice(at + 1),
        ]) {
          const said = saidOf(() => parseConfig(text, 'f')) + saidOf(() => parseFaults(text, 'f'));
          if (LIBRARY.test(said.replaceAll(/"[^"]*"/g, ''))) expect({ text, said }).toEqual({});
        }
      }
    }
  });
});

function saidOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
