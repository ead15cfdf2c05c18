import { describe, expect, it } from 'vitest';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import { listZones } from '../../../src/server/zones/zone-files.js';

const files = (...names: string[]) => names.map((name) => ({ file: `zones/${name}.zone` }));

describe('the list of zones', () => {
  it('is what there is', () => {
    const now = files('a', 'c');
    expect(listZones(() => now, files('a', 'b'), './zones', false)).toEqual({ zones: now, kept: [], errors: [] });
  });

  it('stays as it was when the folder cannot be read', () => {
    const list = (): never => {
      throw new AdotdError(ErrorCode.FILE, 'cannot read the zones folder zones: permission denied');
    };
    expect(listZones(list, files('a', 'b'), 'zones', false)).toEqual({
      zones: files('a', 'b'),
      kept: files('a', 'b'),
      errors: [expect.stringMatching(/permission denied; its zones stay/)],
    });
  });

  it('stays as it was when all files of the folder are gone at once', () => {
    const other = { file: 'elsewhere/x.zone' };
    const { zones, kept, errors } = listZones(() => [other], [...files('a', 'b'), other], 'zones/', false);
    expect(zones).toEqual([...files('a', 'b'), other]);
    expect(kept).toEqual(files('a', 'b'));
    expect(errors).toEqual([expect.stringMatching(/zones.* it had 2: is it unmounted.*--allow-empty/)]);
  });

  it('becomes empty when that is meant, when one file only was left, or when the folder is another one now', () => {
    expect(listZones(() => [], files('a', 'b'), 'zones', true).zones).toEqual([]);
    expect(listZones(() => [], files('a'), 'zones', false).zones).toEqual([]);
    expect(listZones(() => [], files('a', 'b'), 'new', false).zones).toEqual([]);
    expect(listZones(() => [], files('a', 'b'), undefined, false).zones).toEqual([]);
  });
});
