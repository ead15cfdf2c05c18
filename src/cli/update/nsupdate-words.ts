/** Options of nsupdate and knsupdate for `adotd update`: those that mean something here become our options. */
import { UsageError } from '../arguments.js';

/** By letter: our option for an option with a value. */
const VALUED: Readonly<Record<string, string>> = {
  k: '--tsig-file',
  y: '--tsig',
  p: '--port',
  t: '--timeout',
  r: '--tries',
};

/** By letter: our words for an option without a value. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  d: ['--debug'],
  v: ['--transport', 'tcp'],
  i: [],
};

/** Options that do not exist here, each with its remedy. */
const MISSING: Readonly<Record<string, string>> = {
  g: 'there is no GSS-TSIG here; use a TSIG key, -y or -k',
  o: 'there is no GSS-TSIG here; use a TSIG key, -y or -k',
  l: 'write -k FILE with the key of the server, and @127.0.0.1',
  '4': "give the server's IPv4 address: @192.0.2.53",
  '6': "give the server's IPv6 address: @2001:db8::53",
  u: 'write --timeout S: it is the time of each try, too',
};

/** The words with those of nsupdate replaced by ours. Throws UsageError. */
export function fromNsupdate(words: readonly string[]): readonly string[] {
  const translated: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const [, letter = '', glued = ''] = /^-([a-z0-9])(.*)$/i.exec(word) ?? [];
    if (Object.hasOwn(MISSING, letter) && glued === '') throw wrong(`${word}: ${MISSING[letter]}`);
    else if (Object.hasOwn(VALUED, letter) && (glued === '' || 'yk'.includes(letter))) {
      const value = glued === '' ? words[++i] : glued;
      if (value === undefined) throw wrong(`-${letter}: found nothing, expected a value`);
      translated.push(VALUED[letter] ?? '', value);
    } else if (Object.hasOwn(FLAGS, letter) && glued === '') translated.push(...(FLAGS[letter] ?? []));
    else translated.push(word);
  }
  return translated;
}

function wrong(message: string): UsageError {
  return new UsageError(`adotd update: ${message}`);
}
