/** The rule for the first key where the parent's servers are not configured: resolvers are asked whether there is a DS record already. */
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { dsRdata } from '../../../src/dnssec/keys/delegation-signer.js';
import { generateKey } from '../../../src/dnssec/keys/signing-key.js';
import { nameFromText } from '../../support/names.js';
import { ASKED, SigningBench } from './signing-support.js';

/** A name that may have been delegated. */
const ZONE = 'a.lan.';
const MINUTE = 1 / 60;

let bench: SigningBench;
beforeEach(() => {
  bench = new SigningBench();
  bench.zone = ZONE;
});
afterEach(() => bench.close());

const errors = (): string[] => bench.lines.filter((line) => line.startsWith('error'));
const warnings = (): string[] => bench.lines.filter((line) => line.startsWith('warn'));
const old = generateKey(13, true, []);
const DS = [dsRdata(old.dnskey, nameFromText(ZONE))];

describe('the first key of a zone whose parent is not configured', () => {
  it('is made at once when resolvers deny DS records', async () => {
    await bench.load();
    expect(bench.status).toMatchObject({
      state: 'signed',
      lastParentLook: { text: 'resolvers answer without a DS record' },
    });
    expect(bench.resolved).toBe(1);
    expect([...errors(), ...warnings()]).toEqual([]);
  });

  it('is made without a question where nobody can have delegated the name', async () => {
    for (const zone of ['a.test.', 'corp.internal.', '10.in-addr.arpa.', '.']) {
      await bench.close();
      bench = new SigningBench();
      bench.zone = zone;
      await bench.load();
      await bench.run(48);
      expect([bench.status.state, bench.resolved], zone).toEqual(['signed', 0]);
    }
  });

  it('is not made under DS records of other keys: the state was lost', async () => {
    bench.resolver = { kind: 'answer', ds: DS };
    await bench.load();
    await bench.run(100);
    expect(bench.keeper.versions).toEqual([]);
    expect(errors()).toEqual([
      `error: a.lan. gets no key, and is bogus for resolvers that validate: it has DS records, so it was signed before, and its keys are not here (resolvers answer with DS records of key ${old.tag}); give it those keys with adotd ctl dnssec import a.lan., or have the DS records removed; adotd ctl dnssec start a.lan. makes a new key all the same`,
    ]);
    expect(bench.status).toMatchObject({
      state: 'waiting',
      reason: expect.stringMatching(/^it gets no key, and is bogus/),
    });
    expect(bench.signing.known.problems).toEqual([expect.stringMatching(/^a\.lan\. gets no key, and is bogus/)]);
    expect(bench.signing.known.figures.zones).toMatchObject({ waiting: 1, bogus: 1 });
  });

  it('is made when the DS records have gone, and by command', async () => {
    bench.resolver = { kind: 'answer', ds: DS };
    await bench.load();
    bench.resolver = { kind: 'answer', ds: [] };
    await bench.run(2);
    expect(bench.status.state).toBe('signed');
    expect(bench.signing.known.problems).toEqual([]);
    await bench.close();
    bench = new SigningBench();
    bench.zone = ZONE;
    bench.resolver = { kind: 'answer', ds: DS };
    await bench.load();
    await bench.signing.start(ZONE);
    expect(bench.status.keys).toHaveLength(1);
    // That it was allowed once allows no other.
    expect(JSON.parse(Buffer.from(bench.table.values.get(ZONE)!).toString()).keys.isStartAllowed).toBe(false);
  });

  it('does not hinder the old keys from being imported', async () => {
    bench.resolver = { kind: 'answer', ds: DS };
    await bench.load();
    await bench.signing.importKeys(ZONE, [{ role: 'csk', key: old }]);
    await bench.run(2);
    expect(bench.last.dnskey).toEqual([old.dnskey]);
    expect(bench.status).not.toHaveProperty('reason');
    expect(bench.signing.known.problems).toEqual([]);
  });

  it('waits while resolvers are there and do not answer for this name; it is asked again less often', async () => {
    bench.resolver = { kind: 'unclear', reason: '192.0.2.1: the resolver answered SERVFAIL' };
    await bench.load();
    await bench.run(24);
    expect(bench.keeper.versions).toEqual([]);
    expect(bench.resolved).toBeGreaterThan(24);
    expect(bench.resolved).toBeLessThan(48);
    expect(warnings()).toEqual([expect.stringContaining('a.lan. is not signed yet: resolvers are asked')]);
    expect(bench.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('SERVFAIL') });
    const { resolved } = bench;
    bench.resolver = { kind: 'answer', ds: [] };
    bench.signing.configure(defaultConfig());
    await bench.run(0);
    expect([bench.status.state, bench.resolved]).toEqual(['signed', resolved + 1]);
  });

  it('is made, with a warning, when no resolver has been there for a minute', async () => {
    bench.step = MINUTE;
    bench.resolver = { kind: 'silent', reason: 'the system names no resolver' };
    await bench.load();
    await bench.run(58 / 3600);
    expect(bench.keeper.versions).toEqual([]);
    await bench.run(4 / 3600);
    expect(bench.status.state).toBe('signed');
    expect(warnings()).toEqual([
      expect.stringContaining('a.lan. is not signed yet'),
      expect.stringContaining(
        'a.lan. gets its first key, and nobody can say whether there is a DS record of another one',
      ),
    ]);
  });

  it('that was made without an answer is said to be wrong when one comes', async () => {
    bench.resolver = { kind: 'silent', reason: 'connection refused' };
    await bench.load();
    await bench.run(30);
    expect(bench.status.state).toBe('signed');
    bench.resolver = { kind: 'answer', ds: DS };
    await bench.run(2);
    expect(errors()).toEqual([
      expect.stringContaining('a.lan. is bogus for resolvers that validate: its DS records are of none of its keys'),
    ]);
    expect(bench.status).toMatchObject({
      state: 'signed',
      reason: expect.stringContaining('adotd ctl dnssec import a.lan.'),
    });
  });

  it('goes by what the parent says once that is configured', async () => {
    bench.policy = ASKED;
    bench.parent = [[], undefined];
    await bench.load();
    expect([bench.status.state, bench.resolved]).toEqual(['waiting', 0]);
  });
});

describe('what resolvers say later', () => {
  it('is shown, and moves no state', async () => {
    await bench.load();
    await bench.run(6);
    const [key] = bench.status.keys;
    expect(key?.records.ds).toBe('rumoured');
    bench.resolver = { kind: 'answer', ds: [...bench.last.cds] };
    await bench.run(100);
    expect(bench.status.keys[0]?.records.ds).toBe('rumoured');
    expect(bench.status.lastParentLook?.text).toBe(`resolvers answer with DS records of key ${key?.tag}`);
    await bench.signing.dsSeen(ZONE, key!.id, true);
    await bench.run(5);
    expect(bench.status.keys[0]?.records.ds).toBe('omnipresent');
    // Nothing is waited for: it is looked at once a day, and after a start.
    const { resolved } = bench;
    await bench.run(72);
    expect(bench.resolved).toBe(resolved + 3);
    await bench.crash();
    expect(bench.resolved).toBe(resolved + 4);
    expect([...errors(), ...warnings()]).toEqual([]);
  });

  it.each(['resolvers', 'the parent'])(
    'tells of a state that was restored from before a roll, and newer keys mend it (seen by %s)',
    async (by) => {
      const isAsked = by === 'the parent';
      if (isAsked) bench.policy = ASKED;
      const confirm = async (isThere: boolean, tag: number): Promise<void> => {
        if (isAsked) return;
        const id = bench.status.keys.find((key) => key.tag === tag)!.id;
        await bench.signing.dsSeen(ZONE, id, isThere);
      };
      /** The parent does what CDS records ask for, and everybody sees it. */
      const obey = (): void => {
        bench.obey();
        bench.resolver = { kind: 'answer', ds: bench.parent[0] ?? [] };
      };
      await bench.load();
      await bench.run(6);
      const { tag: first } = bench.status.keys[0]!;
      obey();
      await confirm(true, first);
      await bench.run(12);
      const backup = new Map(bench.table.values);
      cpSync(join(bench.folder, 'keys'), join(bench.folder, 'backup'), { recursive: true });
      await bench.signing.roll(ZONE, {});
      await bench.run(6);
      const { tag: second } = bench.status.keys.find((key) => key.tag !== first)!;
      obey();
      await confirm(true, second);
      await bench.run(12);
      await confirm(false, first);
      await bench.run(12);
      expect(bench.status.keys.map(({ tag }) => tag)).toEqual([second]);
      const newer = bench.signing.exportKeys(ZONE);
      expect(bench.signing.known.problems).toEqual([]);
      rmSync(join(bench.folder, 'keys'), { recursive: true });
      renameSync(join(bench.folder, 'backup'), join(bench.folder, 'keys'));
      for (const [zone, value] of backup) bench.table.values.set(zone, value);
      await bench.crash();
      expect(bench.status.keys.map(({ tag }) => tag)).toEqual([first]);
      expect(errors()).toEqual([expect.stringContaining('its DS records are of none of its keys')]);
      expect(bench.signing.known.figures.zones).toMatchObject({ signed: 1, bogus: 1 });
      const other = { role: 'csk' as const, key: generateKey(13, true, []) };
      await expect(bench.signing.importKeys(ZONE, [other])).rejects.toThrow('is none of them');
      await bench.signing.importKeys(ZONE, newer);
      await bench.run(1);
      expect(bench.signing.known.problems).toEqual([]);
      expect(bench.last.keySigners.map(({ tag }) => tag)).toContain(second);
      expect(bench.last.zoneSigners.map(({ tag }) => tag)).toEqual([second]);
      await confirm(false, first);
      await bench.run(24);
      expect(bench.status.keys.map(({ tag }) => tag)).toEqual([second]);
    },
  );
});
