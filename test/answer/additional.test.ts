import { describe, expect, it } from 'vitest';
import { engineOf, zoneOf } from './support.js';

const addresses = (name: string) => Array.from({ length: 20 }, (_, i) => `${name} AAAA 2001:db8::${i}`).join('\n');

describe('the additional section', () => {
  it('names a target once that two records share', () => {
    const engine = engineOf(
      { 'example.test': zoneOf('@ MX 10 mail\n@ MX 20 mail\nmail A 192.0.2.5') },
      { minimalResponses: false },
    );
    const response = engine.query({ name: 'example.test.', type: 'MX' });
    expect(response.additional.map((record) => record.owner)).toEqual(['mail.example.test.']);
  });

  it('keeps glue with minimal responses, and nothing else', () => {
    const engine = engineOf({
      'example.test': zoneOf('@ MX 10 mail\nmail A 192.0.2.5\nsub NS ns.sub\nns.sub A 192.0.2.6'),
    });
    expect(engine.query({ name: 'example.test.', type: 'MX' }).additional).toEqual([]);
    expect(engine.query({ name: 'sub.example.test.' }).additional.map((record) => record.text)).toEqual(['192.0.2.6']);
  });

  it('sets TC where in-domain glue does not fit, not for sibling glue (RFC 9471)', () => {
    const inDomain = engineOf({ 'example.test': zoneOf(`sub NS ns.sub\n${addresses('ns.sub')}`) });
    expect(inDomain.query({ name: 'x.sub.example.test.' }).flags.tc).toBe(true);
    const sibling = engineOf({
      'example.test': zoneOf(`sub NS ns.other\nother NS ns.other\n${addresses('ns.other')}`),
    });
    const response = sibling.query({ name: 'x.sub.example.test.' });
    expect([response.flags.tc, response.additional.length]).toEqual([false, 0]);
  });
});
