/** Mistakes in YAML in our own words: the found text, and the text to write. The library's are for people who write parsers. */
import type { YAMLError } from 'yaml';

/** By the library's code. Where one code stands for several mistakes, its first match of the library's message counts. */
const WORDS: Readonly<Record<YAMLError['code'], string | readonly (readonly [pattern: RegExp, text: string])[]>> = {
  ALIAS_PROPS: 'found an anchor or a tag at an alias (*name); expected the alias alone',
  BAD_ALIAS: 'found & or * without a name behind it; expected a name, or the text in quotes',
  BAD_COLLECTION_TYPE: 'found a tag (!) that does not fit what follows; leave it out',
  BAD_DIRECTIVE: 'found a line that begins with %; put the text in quotes, or leave the directive out',
  BAD_DQ_ESCAPE: 'found a backslash with a meaning of its own in double quotes; write \\\\, or use single quotes',
  BAD_INDENT:
    'the line is indented differently; expected the same number of spaces as on the lines that belong together',
  BAD_PROP_ORDER: 'found an anchor or a tag before - or a key; expected it behind',
  BAD_SCALAR_START: 'found a character that no text begins with; put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'found a second colon on the line; expected a key and its value, or the text in quotes',
  BLOCK_IN_FLOW: 'found a list with - or a map on lines of its own within brackets; expected commas',
  DUPLICATE_KEY: 'found this key for the second time; expected each key once',
  IMPOSSIBLE: 'found something that cannot be read; expected keys and values',
  KEY_OVER_1024_CHARS: 'found a key of more than 1,024 characters; is a colon or a quote missing?',
  MISSING_CHAR: [
    [/quote/, 'the quote that ends the text is missing'],
    [/^Comments/, 'found # without a space before it; write a space, or put the text in quotes'],
    [/Missing ,/, 'a comma is missing'],
    [/space after/, 'a space is missing behind the colon'],
    [/map values|Missing :/, 'expected a colon and a value behind this'],
    [/Sequence item/, 'expected - before every entry of the list'],
    [/end with a \]|expected flow sequence/i, 'the bracket ] that ends the list is missing'],
    [/end with a \}|expected flow map/i, 'the brace } that ends the map is missing'],
    [/./, 'a character is missing; expected keys and values'],
  ],
  MULTILINE_IMPLICIT_KEY: 'found a text of several lines; expected "key: value" on each: is a colon missing?',
  MULTIPLE_ANCHORS: 'found two anchors (&name); expected one',
  MULTIPLE_DOCS: 'found a second document behind ---; expected one: leave the line out, or split the file',
  MULTIPLE_TAGS: 'found two tags (!); leave them out',
  NON_STRING_KEY: 'found a key that is no text; expected a name',
  RESOURCE_EXHAUSTION: 'nested too deeply; expected fewer levels',
  TAB_AS_INDENT: 'found a tab at the beginning of the line; indent with spaces',
  TAG_RESOLVE_FAILED: 'found a tag (!) that is not known; leave it out, or put the text in quotes',
  UNEXPECTED_TOKEN: [
    [/Unexpected ,|empty item/, 'found a comma too many'],
    [/Block scalar header/, 'found text behind | or >; expected it on the next line'],
    [/flow-seq-end|\]/, 'found ] that ends nothing'],
    [/flow-map-end|\}/, 'found } that ends nothing'],
    [/./, 'found something that does not belong here; is a quote, a colon or a line break missing before it?'],
  ],
};

/** The mistake and its remedy in our words. */
export function yamlMistake({ code, message }: Pick<YAMLError, 'code' | 'message'>): string {
  const words = WORDS[code];
  if (typeof words === 'string') return words;
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? 'expected keys and values';
}
