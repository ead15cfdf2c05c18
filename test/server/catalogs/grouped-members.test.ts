import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningServer, startServer } from '../../../src/index.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { freePort } from '../../support/peers/server.js';

const WAIT = { timeout: 60_000, interval: 100 };
const RRSIG = 46;
const [NOERROR, REFUSED] = [0, 5];
const folder = mkdtempSync(join(tmpdir(), 'adotd-grouped-members-'));
const NAMES = ['plain', 'closed', 'secret', 'signed'] as const;
let ports: readonly [primary: number, secondary: number];
let primary: RunningServer | undefined;
let secondary: RunningServer | undefined;

/** A primary whose zones have these groups. */
function startPrimary(groups: Readonly<Record<string, string>>): Promise<RunningServer> {
  const shared = { transfer: { to: ['second'] }, notify: ['second'] };
  return startServer({
    port: ports[0],
    zones: Object.fromEntries(NAMES.map((name) => [`${name}.test`, 'www A 192.0.2.1'])),
    config: {
      state: { folder: join(folder, 'primary') },
      remotes: [{ name: 'second', addresses: ['127.0.0.1'], port: ports[1] }],
      zones: {
        policies: [
          { zones: ['catalog.test'], ...shared },
          ...NAMES.map((name) => ({
            zones: [`${name}.test`],
            ...shared,
            catalog: 'catalog.test',
            ...(groups[name] !== undefined && { catalog_group: groups[name] }),
          })),
        ],
      },
    },
  });
}

/** It knows zones by their groups only. */
function startSecondary(): Promise<RunningServer> {
  return startServer({
    port: ports[1],
    config: {
      state: { folder: join(folder, 'secondary') },
      remotes: [{ name: 'first', addresses: ['127.0.0.1'], port: ports[0] }],
      zones: {
        catalogs: [{ zone: 'catalog.test', from: ['first'] }],
        policies: [
          { groups: ['closed'], access: { deny: ['127.0.0.0/8'] } },
          { groups: ['secret'], require: 'tls' },
          { groups: ['signed'], dnssec: 'default' },
        ],
      },
    },
  });
}

beforeAll(async () => {
  ports = [await freePort(), await freePort()];
  primary = await startPrimary({ closed: 'closed', secret: 'secret', signed: 'signed' });
  secondary = await startSecondary();
});
afterAll(async () => {
  await secondary?.close();
  await primary?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the secondary answers: `signed`, or an RCODE. */
async function answered(name: string): Promise<string | number> {
  const query = buildQuery({ name: `${name}.test`, type: 'SOA', edns: { dnssecOk: true } });
  const octets = await askUdp({ port: ports[1] }, query);
  if (octets === undefined) return 'nothing';
  const { rcode, answer } = decodeMessage(octets);
  return answer.some(({ type }) => type === RRSIG) ? 'signed' : rcode;
}

const all = (): Promise<(string | number)[]> => Promise.all(NAMES.map(answered));

/** Waits for these answers; returns all that came, of each zone. */
async function becomes(expected: readonly (string | number)[]): Promise<Set<string | number>[]> {
  const seen = NAMES.map(() => new Set<string | number>());
  await vi.waitFor(async () => {
    const found = await all();
    found.forEach((one, i) => {
      seen[i]!.add(one);
    });
    expect(found).toEqual(expected);
  }, WAIT);
  return seen;
}

describe('members of a catalog', () => {
  it('have the policies of their groups: who may ask, over what, and whether they are signed here', async () => {
    const [, closed, secret] = await becomes([NOERROR, REFUSED, REFUSED, 'signed']);
    for (const seen of [closed, secret]) expect(seen).not.toContain(NOERROR);
  });

  it('have them from the first answer on after a restart, also while the primary is away', async () => {
    await primary?.close();
    await secondary?.close();
    secondary = await startSecondary();
    expect(await all()).toEqual([NOERROR, REFUSED, REFUSED, 'signed']);
  });

  it('have others when their groups change, and stay signed without one: only `off` makes a zone unsigned', async () => {
    primary = await startPrimary({ plain: 'closed', secret: 'other', signed: 'other' });
    await becomes([REFUSED, NOERROR, NOERROR, 'signed']);
  });
});
