import { describe, expect, it } from 'vitest';
import { createFacts } from '../../../src/answer/facts.js';
import { catchingResponder } from '../../../src/server/plane/catching-responder.js';
import { emptyCatalog } from '../../support/catalog.js';
import { echoResponder, message } from '../../support/responder.js';

describe('a catching responder', () => {
  it('answers as the one it guards, and survives what that throws', () => {
    const inner = echoResponder();
    const logged: object[] = [];
    const catching = catchingResponder(
      {
        outcome: inner.outcome,
        respond(inBuf, inOff, ...rest) {
          if (inBuf[inOff] === 0xff) throw new RangeError('a mistake of ours');
          return inner.respond(inBuf, inOff, ...rest);
        },
      },
      { error: (fields) => void logged.push(fields) },
    );
    const facts = createFacts(emptyCatalog());
    const out = new Uint8Array(512);
    expect(catching.respond(message(1), 0, 20, facts, out, 0, 512)).toBe(20);
    expect(catching.respond(message(0xff01), 0, 20, facts, out, 0, 512)).toBe(0);
    expect(catching.respond(message(2), 0, 20, facts, out, 0, 512)).toBe(20);
    expect(catching.outcome).toBe(inner.outcome);
    expect(logged).toEqual([{ err: expect.any(RangeError), query: message(0xff01).toString('hex') }]);
  });
});
