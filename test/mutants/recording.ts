/** What the peers answered, written down once, so that every mutant is judged by the same answers without asking again. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Asked } from '../differential/exchange.js';
import type { Query } from '../differential/queries.js';
import type { PeerZone } from '../support/peers/server.js';

interface Recording {
  readonly zones: readonly PeerZone[];
  readonly queries: readonly Query[];
  /** By peer, then by key of the question; responses in base64. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function keyOf(query: Uint8Array, tcp: boolean): string {
  return `${tcp ? 't' : 'u'}${Buffer.from(query).toString('base64')}`;
}

/** A peer whose answers are kept, over UDP and over TCP whichever was asked for. */
export class Recorder implements Asked {
  readonly name: string;
  readonly answers: Record<string, string> = {};
  readonly #peer: Asked;

  constructor(peer: Asked) {
    this.name = peer.name;
    this.#peer = peer;
  }

  async ask(query: Uint8Array, tcp: boolean): Promise<Uint8Array> {
    const [overUdp, overTcp] = await Promise.all([this.#peer.ask(query, false), this.#peer.ask(query, true)]);
    this.answers[keyOf(query, false)] = Buffer.from(overUdp).toString('base64');
    this.answers[keyOf(query, true)] = Buffer.from(overTcp).toString('base64');
    return tcp ? overTcp : overUdp;
  }
}

export function writeRecording(
  file: string,
  zones: readonly PeerZone[],
  queries: readonly Query[],
  peers: readonly Recorder[],
): void {
  const places = zones.map((zone) => ({ name: zone.name, file: zone.file }));
  const answers = Object.fromEntries(peers.map((peer) => [peer.name, peer.answers]));
  writeFileSync(file, JSON.stringify({ zones: places, queries, answers } satisfies Recording));
}

/** The zones and queries of a recording, and peers that answer from it. */
export function readRecording(file: string): Pick<Recording, 'zones' | 'queries'> & { peers: Asked[] } {
  const recording: Recording = JSON.parse(readFileSync(file, 'utf8'));
  const peers = Object.entries(recording.answers).map(([name, answers]) => ({
    name,
    async ask(query: Uint8Array, tcp: boolean): Promise<Uint8Array> {
      const answer = answers[keyOf(query, tcp)];
      if (answer === undefined) throw new Error(`${name} was not asked this`);
      return Buffer.from(answer, 'base64');
    },
  }));
  return { zones: recording.zones, queries: recording.queries, peers };
}
