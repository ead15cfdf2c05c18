import { describe, expect, it } from 'vitest';
import { Admission, ConnectionLimits, countOut, ownShare, sharedLimits } from '../../src/session/limits.js';
import { addressOctets } from '../../src/transport/address.js';

function client(text: string): [Uint8Array, number] {
  const octets = new Uint8Array(16);
  const length = addressOctets(text, octets);
  return [octets.subarray(0, length), length];
}

describe('limits on connections', () => {
  it('refuses the connection above the total, and admits again after a release', () => {
    const limits = new ConnectionLimits({ connections: 2, connectionsPerClient: 2 });
    expect(limits.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
    expect(limits.admit(...client('192.0.2.2'))).toBe(Admission.ADMITTED);
    expect(limits.admit(...client('192.0.2.3'))).toBe(Admission.FULL);
    expect(limits.open).toBe(2);
    limits.release(...client('192.0.2.1'));
    expect(limits.admit(...client('192.0.2.3'))).toBe(Admission.ADMITTED);
    expect(limits.refused).toEqual({ total: 1, client: 0 });
  });

  it('counts an IPv4 address as one client and an IPv6 /56 as one client', () => {
    const limits = new ConnectionLimits(
      { connections: 100, connectionsPerClient: 1 },
      { ...sharedLimits(), secret: 1 },
    );
    expect(limits.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
    expect(limits.admit(...client('192.0.2.1'))).toBe(Admission.CLIENT_FULL);
    expect(limits.admit(...client('192.0.2.2'))).toBe(Admission.ADMITTED);
    expect(limits.admit(...client('2001:db8:0:100::1'))).toBe(Admission.ADMITTED);
    expect(limits.admit(...client('2001:db8:0:1ff::2'))).toBe(Admission.CLIENT_FULL);
    expect(limits.admit(...client('2001:db8:0:200::2'))).toBe(Admission.ADMITTED);
    expect(limits.open).toBe(4);
    expect(limits.refused).toEqual({ total: 0, client: 2 });
  });

  it('holds for everybody who shares the counters', () => {
    const shared = sharedLimits();
    const settings = { connections: 10, connectionsPerClient: 2 };
    const one = new ConnectionLimits(settings, shared);
    const other = new ConnectionLimits(settings, shared);
    expect(one.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
    expect(other.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
    expect(one.admit(...client('192.0.2.1'))).toBe(Admission.CLIENT_FULL);
    other.release(...client('192.0.2.1'));
    expect(one.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
  });

  it('counts out what a thread had that is gone, and nothing else', () => {
    const shared = sharedLimits();
    const settings = { connections: 4, connectionsPerClient: 2 };
    const own = ownShare();
    const dying = new ConnectionLimits(settings, shared, own);
    const living = new ConnectionLimits(settings, shared, ownShare());
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']) dying.admit(...client(address));
    dying.release(...client('192.0.2.2'));
    living.admit(...client('192.0.2.9'));
    expect([living.open, living.refused]).toEqual([3, { total: 0, client: 1 }]);
    countOut(shared, own);
    expect(living.open).toBe(1);
    expect(living.admit(...client('192.0.2.1'))).toBe(Admission.ADMITTED);
    countOut(shared, own);
    expect(living.open).toBe(2);
  });

  it('never refuses one of a thousand clients with one connection each', () => {
    const limits = new ConnectionLimits(
      { connections: 2000, connectionsPerClient: 2 },
      { ...sharedLimits(), secret: 7 },
    );
    for (let i = 0; i < 1000; i++)
      expect(limits.admit(...client(`10.0.${i >> 8}.${i & 255}`))).toBe(Admission.ADMITTED);
  });
});
