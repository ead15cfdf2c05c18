import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema, defaultConfig } from '../../src/config/schema.js';
import { changedKeys, EFFECTS, effectOf, inForce } from '../../src/server/config-change.js';
import { textOf } from '../repository/files.js';

/** Keys of a JSON schema: those of maps within maps, `tls.padding`. */
function keysOf(schema: unknown, prefix = ''): string[] {
  const properties: unknown = typeof schema === 'object' && schema !== null ? Reflect.get(schema, 'properties') : {};
  if (typeof properties !== 'object' || properties === null) return [prefix.slice(0, -1)];
  return Object.entries(properties).flatMap(([name, inner]) => keysOf(inner, `${prefix}${name}.`));
}

describe('a change of the configuration', () => {
  it('has a known effect, whatever the key', () => {
    const keys = keysOf(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }));
    expect(keys.length).toBeGreaterThan(50);
    expect(keys.filter((key) => effectOf(key) === undefined)).toEqual([]);
  });

  it('needs a restart for the keys that docs/operation.md lists', () => {
    const [, section = ''] = /^### Changing the configuration\n(.*?)^## /ms.exec(textOf('docs/operation.md')) ?? [];
    const listed = [...section.matchAll(/`([a-z_.]+)`/g)].map(([, key]) => key);
    expect(listed.sort()).toEqual(
      Object.keys(EFFECTS)
        .filter((key) => EFFECTS[key] === 'start')
        .sort(),
    );
  });

  it('is found, key by key', () => {
    const before = defaultConfig();
    const after = configSchema.parse({
      port: 54,
      version: 'x',
      tls: { certificates: [{ cert: 'a', key: 'b' }] },
      starttls: { strict: true, advertise_udp: 'never' },
    });
    expect(changedKeys(before, defaultConfig())).toEqual([]);
    expect(changedKeys(before, after)).toEqual([
      { key: 'port', effect: 'start' },
      { key: 'tls.certificates', effect: 'tls' },
      { key: 'starttls.strict', effect: 'answers' },
      { key: 'starttls.advertise_udp', effect: 'start' },
      { key: 'version', effect: 'answers' },
    ]);
    expect(changedKeys(after, before)).toHaveLength(5);
  });

  it('is in force but for what needs another start, which is asked for until then', () => {
    const before = configSchema.parse({ listen: ['::1'], user: 'dns', log: { level: 'info' } });
    const after = configSchema.parse({ listen: ['127.0.0.1', '::1'], log: { level: 'debug', format: 'pretty' } });
    const running = inForce(before, after);
    expect(running).toEqual({ ...before, log: { level: 'debug', format: 'json' } });
    expect(changedKeys(running, after).map(({ key }) => key)).toEqual(['listen', 'log.format', 'user']);
    expect(inForce(running, before)).toEqual(before);
  });
});
