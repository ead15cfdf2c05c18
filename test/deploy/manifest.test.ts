import { describe, expect, it } from 'vitest';
import { type Manifest, mistakes } from './manifest.js';

const service: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', labels: { any: 'label' } },
  spec: {
    ports: [
      { port: 53, targetPort: 'dns' },
      { port: 54, targetPort: 54 },
    ],
    selector: { any: 'label' },
  },
};

describe('a manifest', () => {
  it('without mistakes has none', () => {
    expect(mistakes(service)).toEqual([]);
  });

  it('with a value of the wrong type is found out', () => {
    expect(mistakes({ ...service, spec: { ports: [{ port: '53' }] } })).toEqual([
      expect.stringContaining('/spec/ports/0/port'),
    ]);
  });

  it('with a field that its kind does not have is found out', () => {
    const spec = { ports: [{ port: 53, tragetPort: 'dns' }] };
    expect(mistakes({ ...service, spec })).toEqual(['no field of Service: spec.ports.0.tragetPort']);
  });

  it('without a field that its kind must have is found out', () => {
    expect(mistakes({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector: {} } })).toEqual([
      expect.stringContaining('template'),
    ]);
  });

  it('of a kind that nobody knows is found out', () => {
    expect(mistakes({ apiVersion: 'v2', kind: 'Pod' })).toEqual(['no schema of v2 Pod']);
  });
});
