import { describe, expect, it } from 'vitest';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import { countConnections, createPointerTable, freeLeftBehind } from '../../../src/tls/openssl/pointers.js';
import { settingsWith } from './support.js';

describe('the pointers of a thread', () => {
  it('let another thread free what was left behind, once', async () => {
    const table = createPointerTable(10);
    const engine = createTlsEngine(settingsWith(), table) as TlsEngine;
    const handles = Array.from({ length: 10 }, () => engine.open());
    expect(handles.every((handle) => handle >= 0)).toBe(true);
    expect(engine.open()).toBe(-1);
    engine.free(handles[3] ?? -1);
    expect(countConnections(table)).toBe(9);
    // The engine is not used any more, as if its thread had ended.
    expect(freeLeftBehind(table)).toBe(9);
    expect(table.places.every((pointer) => pointer === 0)).toBe(true);
    expect(freeLeftBehind(table)).toBe(0);
    expect(countConnections(table)).toBe(0);
  });

  it('are none of an engine that was closed', async () => {
    const table = createPointerTable(10);
    const engine = createTlsEngine(settingsWith(), table) as TlsEngine;
    engine.open();
    expect(table.places.filter((pointer) => pointer !== 0)).toHaveLength(4);
    engine.close();
    expect(table.places.every((pointer) => pointer === 0)).toBe(true);
    expect(engine.open()).toBe(-1);
  });
});
