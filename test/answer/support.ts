/** The answer engine without a server: zones as text in, decoded responses out. */

import { DEFAULT_SETTINGS, type Settings } from '../../src/answer/answer-settings.js';
import { createFacts, type Facts } from '../../src/answer/facts.js';
import { createResponder, type Responder } from '../../src/answer/respond.js';
import { Publisher } from '../../src/image/catalog.js';
import { type Loaded, load } from '../../src/image/load.js';
import { NO_POLICIES, type Policies } from '../../src/image/policy.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { buildQuery, decodeMessage, type Message, type Query } from '../support/message.js';

/** 2026-11-21, when signatures of the fixtures are valid. */
export const NOW = 1_795_219_200;

/** Wire format of a zone's name given without its final dot, or of the root. */
const wireName = (name: string): Uint8Array => nameFromText(name === '.' ? name : `${name}.`);

/** Loads a zone from text; throws its errors. */
export function loadText(name: string, text: string): Loaded & { image: Uint8Array; apex: Uint8Array } {
  const source = { file: `${name}.zone`, bytes: Buffer.from(text, 'latin1'), origin: wireName(name) };
  const loaded = load(source, { now: NOW });
  const { image, apex } = loaded;
  if (image === undefined || apex === undefined) {
    throw new Error(loaded.diagnostics.list.map(formatDiagnostic).join('\n') || `${name} has no SOA`);
  }
  return { ...loaded, image, apex };
}

/** SOA and NS of a test zone whose text goes on with `records`. */
export function zoneOf(records: string): string {
  return `$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n${records}\n`;
}

export interface Engine {
  readonly responder: Responder;
  readonly facts: Facts;
  /** The response's octets; empty when there is none. */
  ask(request: Uint8Array, capacity?: number): Uint8Array;
  /** The decoded response to a query, over the transport that the facts name. */
  query(query: Query): Message;
}

/** An engine that serves `zones` (name to text; undefined: could not be loaded). */
export function engineOf(
  zones: Record<string, string | undefined>,
  settings: Partial<Settings> = {},
  policies: Policies = NO_POLICIES,
): Engine {
  const publisher = new Publisher();
  publisher.restrict(policies);
  for (const [name, text] of Object.entries(zones)) {
    if (text === undefined) publisher.fail(wireName(name));
    else {
      const { apex, image } = loadText(name, text);
      publisher.put(apex, image);
    }
  }
  const facts = createFacts(publisher.publish());
  facts.now = NOW;
  const responder = createResponder({ ...DEFAULT_SETTINGS, ...settings });
  const out = new Uint8Array(65_535);
  const ask = (request: Uint8Array, capacity = out.length): Uint8Array =>
    out.slice(0, responder.respond(request, 0, request.length, facts, out, 0, capacity));
  return { responder, facts, ask, query: (query) => decodeMessage(ask(buildQuery(query))) };
}
