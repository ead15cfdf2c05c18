import { describe, expect, it } from 'vitest';
import { sampleResults } from './peers-sample.js';
import { verdictsOf } from './peers-targets.js';

const verdicts = verdictsOf(sampleResults());
const verdictOf = (part: string): unknown => verdicts.find(({ what }) => what.includes(part))?.verdict;

describe('a target', () => {
  it('is met at its bound', () => expect(verdictOf("UDP, saturated: multiple of NSD's")).toBe('met'));

  it('may be missed by what is tolerable', () => expect(verdictOf('TCP, pipelined')).toBe('tolerable'));

  it('is missed beyond that', () => {
    expect(verdictOf('TLS, pipelined')).toBe('missed');
    expect(verdictOf('the latest answer')).toBe('missed');
    expect(verdictOf('memory beyond')).toBe('missed');
  });

  it('is not measured where a peer or a part is missing', () => {
    expect(verdictOf("UDP, saturated: multiple of Knot's")).toBe('not measured');
    expect(verdictOf('signed')).toBe('not measured');
  });

  it('at a pace is that of the transport', () => {
    expect(verdictOf('UDP, 1,000 a second')).toBe('missed');
    expect(verdictOf('TLS, 5,000 a second')).toBe('met');
    expect(verdictOf('TCP, 20,000 a second')).toBe('not measured');
  });

  it('without a peer is judged by itself', () => {
    expect(verdictOf('idle server')).toBe('met');
    expect(verdictOf('answered after start')).toBe('met');
    expect(verdictOf('queries lost')).toBe('met');
  });
});
