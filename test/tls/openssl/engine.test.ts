import { describe, expect, it } from 'vitest';
import { MemoryServer, settingsWith } from './support.js';

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  it('serves', async () => {
    using server = new MemoryServer(await settingsWith());
    const seen = await server.visit({ minVersion: version, maxVersion: version });
    expect(seen.back).toBe('hello');
    const again = await server.visit({ minVersion: version, maxVersion: version, session: seen.session });
    expect(again.resumed).toBe(true);
    expect(server.engine.counts).toEqual({ open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 });
  });
});
