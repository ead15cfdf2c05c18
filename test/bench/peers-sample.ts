/** Made-up results for the tests of tables, targets and page. */
import type { Figure, Results, Row } from './peers-results.js';

export function figure(cpu: number): Figure {
  const parts = { user: cpu / 4, system: (cpu * 3) / 4, wakeUps: cpu / 10 };
  return { cpu, ...parts, perSecond: 100_000, lost: 0, reconnections: 0, octets: 60 };
}

/** Three turns of adotd and NSD under a load. */
function row(title: string, own: number, peer: number): Row {
  const turns = (cpu: number): Figure[] => [figure(cpu), figure(cpu * 1.5), figure(cpu * 0.9)];
  return { title, figures: { adotd: turns(own), NSD: turns(peer) } };
}

export function sampleResults(): Results {
  return {
    date: '2026-11-21T10:00:00.000Z',
    command: 'npm run bench -- peers --write',
    machine: { CPU: 'a CPU', cores: '2' },
    versions: { adotd: '0.1.0', NSD: '4.6.1' },
    adotd: {
      command: 'node dist/cli/main.js serve --config FOLDER/adotd.yaml',
      config: 'workers: 1',
      plane: 'threads',
    },
    turns: 3,
    seconds: 0.7,
    sections: {
      unsigned: {
        title: 'Unsigned zone',
        notes: ['8 records in one zone'],
        rows: {
          udp: row('UDP, 500 outstanding', 1.8, 2),
          tcp: row('TCP', 3.5, 10),
          tls: row('TLS', 9, 10),
          'udp-1k': row('UDP, 1,000 a second', 33, 30),
          'tls-5k': row('TLS, 5,000 a second', 39, 30),
        },
        likeness: [
          { server: 'adotd', asked: 500, different: 0, example: undefined, otherSections: 0, octets: 60 },
          { server: 'NSD', asked: 500, different: 0, example: undefined, otherSections: 3, octets: 61 },
        ],
      },
    },
    idle: { adotd: [{ cpu: 0.5, wakeUps: 3 }], NSD: [{ cpu: 0, wakeUps: 0 }] },
    starts: { many: { title: '10 zones', servers: { adotd: { loading: 1.5, memory: 180e6 } } } },
    reloads: { adotd: [{ asked: 10_000, lost: 0, wrong: 0, lostBefore: 0, latestBefore: 1, latest: 25, took: 300 }] },
    emptyMemory: 70e6,
    failures: ['Knot is not installed'],
    elapsed: 660,
  };
}
