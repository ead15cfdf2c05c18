import { describe, expect, it } from 'vitest';
import { engineOf } from '../support/engine.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { SEED } from '../support/seed.js';
import { answer } from './answer.js';
import { summaryOf, summaryOfExpected, zoneText } from './compare.js';
import { chanceOf, generateQuestion, generateZone } from './generate.js';
import { textOf, toWire } from './names.js';
import { type Signing, sign } from './sign.js';
import { makeZone } from './zone.js';

const ROUNDS = Number(process.env.ROUNDS ?? 25);
const QUESTIONS = 40;
/** Zones that are served together: one alone, a parent and its child, the root and a zone below it. */
const APEXES: readonly [string[], ...string[][]] = [['ref.test.'], ['ref.test.', 'a.ref.test.'], ['.'], ['.', 'b.']];
/** The engine follows this many links; longer chains are not compared. */
const LINKS = 16;

describe.each(['unsigned', 'nsec', 'nsec3', 'opt-out'] satisfies Signing[])('%s zones', (signing) => {
  it.each([true, false])('are answered as the reference engine does (minimal responses: %s)', (minimalResponses) => {
    console.log(`seed ${SEED}, ${ROUNDS} rounds of ${QUESTIONS} questions`);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const chance = chanceOf(SEED + round * 7919);
      const salt = chance.percent(50) ? 'abcd' : '';
      const records = chance.of(APEXES).map((apex) => sign(generateZone(chance, apex), signing, salt, chance.below(3)));
      const texts = records.map((zone, i) => ({ file: `zone${i}`, text: zoneText(zone) }));
      const engine = engineOf(texts, { minimalResponses });
      const zones = records.map(makeZone);
      for (let i = 0; i < QUESTIONS; i++) {
        const question = generateQuestion(chance, records);
        const expected = answer(zones, question);
        if (expected.links >= LINKS) continue;
        const { type, dnssecOk } = question;
        const query = buildQuery({ name: toWire(question.name), type, edns: { dnssecOk, udpSize: 65_535 } });
        const response = engine.ask(query, 'tcp');
        const asked = `seed ${SEED} round ${round}: ${textOf(question.name)} ${type}${dnssecOk ? ' DO' : ''}`;
        expect(response, asked).toBeDefined();
        const message = decodeMessage(response ?? new Uint8Array(0));
        expect(summaryOf(message), `${asked}\n${describeZones(records)}`).toEqual(
          summaryOfExpected(expected, !minimalResponses),
        );
        const outcome = `${expected.rcode}${expected.aa ? '' : ' referral'}${expected.links > 0 ? ' chain' : ''}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    // The comparison is worth something only when every kind of answer came up.
    if (ROUNDS >= 25)
      for (const kind of ['NOERROR', 'NXDOMAIN', 'NOERROR referral', 'NOERROR chain']) {
        expect(outcomes.get(kind) ?? 0, kind).toBeGreaterThan(20);
      }
  });
});

function describeZones(zones: readonly (readonly { owner: readonly string[]; type: number; ttl: number }[])[]): string {
  return zones.map((zone) => zone.map((rr) => `${textOf(rr.owner)} ${rr.ttl} ${rr.type}`).join('\n')).join('\n--\n');
}
