import { describe, expect, it } from 'vitest';
import { describeSessions } from '../../src/session/describe.js';
import { mergeReports, NO_SESSIONS, type SessionReport } from '../../src/session/session-report.js';
import { createBench } from './support.js';

const session = (idle: number): SessionReport => ({
  client: '192.0.2.1',
  port: 1,
  path: 'tcp',
  state: 'plaintext',
  age: idle,
  idle,
  queries: 0,
});

describe('the report of sessions', () => {
  it('has each path, those that drain, and the idlest ones with client, age and idle time', () => {
    const { manager, clock, open } = createBench();
    const first = open({ client: Uint8Array.of(192, 0, 2, 1) });
    clock.advance(3000);
    open({ client: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7) });
    open({ client: Uint8Array.of(192, 0, 2, 3), secure: true });
    clock.advance(500);
    expect(describeSessions(manager, 2)).toMatchObject({
      open: 3,
      byPath: { tcp: 2, starttls: 0, tls: 1 },
      draining: 0,
      longest: [
        { client: '192.0.2.1', state: 'plaintext', age: 3500, idle: 3500, queries: 0 },
        { client: '2001:db8::7', state: 'plaintext', age: 500, idle: 500 },
      ],
    });
    first?.session.stop();
    expect(describeSessions(manager, 0)).toMatchObject({ draining: 1, longest: [] });
  });

  it('of several threads is one of the idlest of all', () => {
    const part = { ...NO_SESSIONS, open: 3, byPath: { tcp: 2, starttls: 1, tls: 0 }, draining: 1 };
    const merged = mergeReports(
      [
        { ...part, longest: [session(9), session(4)] },
        { ...part, longest: [session(7), session(5)] },
      ],
      3,
    );
    expect(merged).toMatchObject({ open: 6, byPath: { tcp: 4, starttls: 2, tls: 0 }, draining: 2 });
    expect(merged.longest.map(({ idle }) => idle)).toEqual([9, 7, 5]);
    expect(mergeReports([], 5)).toEqual(NO_SESSIONS);
  });
});
