import { describe, expect, it } from 'vitest';
import { freePortRetry } from '../../../src/server/plane/free-ports.js';

const because = (code: string): Error =>
  new Error('cannot listen', { cause: Object.assign(new Error(code), { code }) });

describe('other ports', () => {
  it('are tried when one that the system chose is taken, 19 times', () => {
    const retry = freePortRetry([853, 0]);
    const answers = Array.from({ length: 21 }, () => retry(because('EADDRINUSE')));
    expect(answers).toEqual([...Array.from({ length: 19 }, () => true), false, false]);
  });

  it('are not tried when the ports are given, or when something else is wrong', () => {
    expect(freePortRetry([53, 853])(because('EADDRINUSE'))).toBe(false);
    const retry = freePortRetry([0, 0]);
    for (const error of [because('EACCES'), new Error('EADDRINUSE'), undefined]) expect(retry(error)).toBe(false);
  });
});
