import { describe, expect, it } from 'vitest';
import { ratioOf, spreadOf, spreadOfField } from './peers-results.js';
import { figure } from './peers-sample.js';

describe('figures of several turns', () => {
  it('have a median and what it lies between', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  });

  it('are compared turn by turn', () => {
    const row = {
      title: '',
      figures: { adotd: [figure(1), figure(4), figure(9)], NSD: [figure(2), figure(4), figure(3)] },
    };
    expect(ratioOf(row, 'NSD')).toEqual({ median: 1, least: 0.5, most: 3 });
  });

  it('are compared only in turns that both have', () => {
    const row = { title: '', figures: { adotd: [figure(1), figure(2)], NSD: [figure(2)] } };
    expect(ratioOf(row, 'NSD')).toEqual({ median: 0.5, least: 0.5, most: 0.5 });
  });

  it('may be missing', () => {
    expect(ratioOf({ title: '', figures: {} }, 'NSD')).toBeUndefined();
    expect(spreadOfField(undefined, 'NSD', 'cpu')).toBeUndefined();
  });
});
