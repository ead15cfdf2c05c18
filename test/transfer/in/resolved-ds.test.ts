import { expect, it } from 'vitest';
import { Type } from '../../../src/protocol/iana.js';
import { readResolvedDs } from '../../../src/transfer/in/resolved-ds.js';
import { resolverQuestion } from '../../../src/transfer/resolver-message.js';
import { engineOf } from '../../support/engine.js';
import { decodeMessage } from '../../support/message.js';
import { nameFromText } from '../../support/names.js';

const DS = `1 13 2 ${'AB'.repeat(32)}`;
const ROOT_ZONE = `$ORIGIN .\n@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.\nsigned 60 NS ns.other.\nsigned 60 DS ${DS}\nplain 60 NS ns.other.\n`;
const OWN_ZONE = '$ORIGIN own.\n@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.\n';

const root = engineOf([{ file: 'root.zone', text: ROOT_ZONE }]);
const own = engineOf([{ file: 'own.zone', text: OWN_ZONE }]);

function answerOf(engine: typeof root, name: string): Uint8Array {
  const answer = engine.ask(resolverQuestion(7, nameFromText(name), Type.DS, { dnssec: true }), 'tcp');
  if (answer === undefined) throw new Error('no answer');
  return answer;
}
const read = (engine: typeof root, name: string): string[] =>
  readResolvedDs(answerOf(engine, name), 7, nameFromText(name)).map((rdata) => Buffer.from(rdata).toString('hex'));

it('asks with RD, CD and DO', () => {
  const question = decodeMessage(resolverQuestion(7, nameFromText('signed.'), Type.DS, { dnssec: true }));
  expect(question).toMatchObject({ question: [{ name: 'signed.', type: Type.DS }] });
  const octets = resolverQuestion(7, nameFromText('signed.'), Type.DS, { dnssec: true });
  expect([octets[2], octets[3], octets.at(-4)]).toEqual([1, 16, 0x80]);
});

it('reads DS records, and denials by a zone above', () => {
  expect(read(root, 'signed.')).toEqual([`00010d02${'ab'.repeat(32)}`]);
  expect(read(root, 'plain.')).toEqual([]);
  expect(read(root, 'nowhere.')).toEqual([]);
});

it('takes nothing else for a denial', () => {
  const refused = 'the resolver answered REFUSED';
  const none = 'found no DS record and no SOA record of a zone above, expected one of them';
  expect(() => read(own, 'own.')).toThrow(`DS records of own.: ${none}`);
  expect(() => read(own, 'other.')).toThrow(refused);
  const denial = answerOf(root, 'plain.');
  const changed = (at: number, value: number): Uint8Array =>
    Uint8Array.from(denial, (octet, i) => (i === at ? value : octet));
  const plain = nameFromText('plain.');
  const wrong = [changed(1, 8), changed(2, 0), changed(2, denial[2]! | 2), changed(3, 2), changed(9, 0)];
  for (const message of wrong) expect(() => readResolvedDs(message, 7, plain)).toThrow(/^DS records of plain\.: /);
  expect(() => readResolvedDs(denial.subarray(0, 40), 7, plain)).toThrow('malformed');
});
