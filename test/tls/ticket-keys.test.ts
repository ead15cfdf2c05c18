import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { readTicketKeys, TICKET_KEY_OCTETS, TicketKeys } from '../../src/tls/ticket-keys.js';
import { temporaryFolder } from './support.js';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const key = () => randomBytes(TICKET_KEY_OCTETS);

describe('random ticket keys', () => {
  it('have 48 octets, and are others after each rotation', () => {
    const keys = new TicketKeys();
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) {
      const { current } = keys;
      expect(current).toHaveLength(48);
      seen.add(current.toString('hex'));
      expect(keys.rotate()).toBe(true);
      expect(keys.previous).toBe(current);
    }
    expect(seen.size).toBe(10);
    expect(new TicketKeys().previous).toBeUndefined();
  });
});

describe('a file of ticket keys', () => {
  it('has one a line in base64 or hexadecimal, the current one first, and comments', () => {
    const [a, b, c] = [key(), key(), key()];
    const text = `# shared by ns1 and ns2\r\n\n  ${a.toString('base64')}\r\n${b.toString('hex')}\n${c.toString('hex').toUpperCase()}`;
    const file = folder.put('keys', text);
    expect(readTicketKeys(file)).toEqual([a, b, c]);
    expect(new TicketKeys(file).current).toEqual(a);
  });

  it('is read anew at each rotation', () => {
    const [a, b] = [key(), key()];
    const file = folder.put('rotated', a.toString('hex'));
    const keys = new TicketKeys(file);
    expect(keys.rotate()).toBe(false);
    folder.put('rotated', `${b.toString('base64')}\n${a.toString('hex')}\n`);
    expect(keys.current).toEqual(a);
    expect(keys.rotate()).toBe(true);
    expect(keys.current).toEqual(b);
    folder.put('rotated', 'nonsense');
    expect(() => keys.rotate()).toThrow(expect.objectContaining({ code: 'ADOTD_TLS' }));
    expect(keys.current).toEqual(b);
  });

  it('has the previous key in its second line; without one it is the key before the last change', () => {
    const [a, b, c, d] = [key(), key(), key(), key()];
    const put = (...keys: Buffer[]) => folder.put('previous', keys.map((one) => one.toString('hex')).join('\n'));
    const keys = new TicketKeys(put(a, b, c));
    expect([keys.current, keys.previous]).toEqual([a, b]);
    put(a, c);
    expect(keys.rotate()).toBe(true);
    expect([keys.current, keys.previous]).toEqual([a, c]);
    put(d);
    expect(keys.rotate()).toBe(true);
    expect([keys.current, keys.previous]).toEqual([d, a]);
    expect(keys.rotate()).toBe(false);
    expect([keys.current, keys.previous]).toEqual([d, a]);
  });

  it('is refused with file and line, and without the secret', () => {
    const good = key().toString('hex');
    const cases = [
      [
        `${good}\n\n${good}a\n`,
        /bad:3: not a ticket key: found 97 characters, expected 64 of base64 or 96 hexadecimal digits$/,
      ],
      [`${good.slice(0, 64).replace(/^./, '!')}`, /bad:1: not a ticket key: found 64 characters/],
      [key().subarray(0, 32).toString('base64'), /bad:1: not a ticket key: found 44 characters/],
      ['', /bad:1: found no ticket key/],
      ['# nothing\n', /bad:1: found no ticket key/],
    ] as const;
    for (const [text, message] of cases) {
      const file = folder.put('bad', text);
      expect(() => readTicketKeys(file)).toThrow(
        expect.objectContaining({ code: 'ADOTD_TLS', message: expect.stringMatching(message) }),
      );
      expect(() => readTicketKeys(file)).not.toThrow(good.slice(0, 20));
    }
    expect(() => new TicketKeys(`${folder.path}/none`)).toThrow(
      expect.objectContaining({
        code: 'ADOTD_FILE',
        message: expect.stringMatching(/^cannot read ticket keys \S+none: no such/),
      }),
    );
  });
});
