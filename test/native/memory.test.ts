import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../src/native/memory.js';

const { address } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const shared = (octets: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(octets));

/** Whether something is collected within some turns. */
async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let i = 0; i < 10 && reference.deref() !== undefined; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return reference.deref() === undefined;
}

describe('the address of memory', () => {
  it('is that of its first octet, whatever part of a buffer it is', () => {
    const whole = shared(64);
    const at = addressOf(whole, whole);
    expect(at).toBe(Number(address(whole)));
    expect(addressOf(whole.subarray(24), whole)).toBe(at + 24);
  });

  it('is not given for memory that may move', () => {
    expect(() => addressOf(new Uint8Array(8), {})).toThrow(/without a fixed address/);
    expect(() => addressOf(Buffer.from('in a pool'), {})).toThrow(/without a fixed address/);
  });

  it('keeps the memory while its owner lives, and no longer', async () => {
    let owner: object | undefined = {};
    const references = Array.from({ length: 3 }, () => {
      const octets = shared(1024);
      addressOf(octets, owner as object);
      return new WeakRef(octets);
    });
    expect(await isCollected(references[0] as WeakRef<Uint8Array>)).toBe(false);
    expect(references.every((one) => one.deref() !== undefined)).toBe(true);
    owner = undefined;
    for (const one of references) expect(await isCollected(one)).toBe(true);
  });
});
