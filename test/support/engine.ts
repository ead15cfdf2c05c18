/** The engine under test without sockets: zones in, an answering function out. */
import { z } from 'zod';
import { DEFAULT_SETTINGS, type Settings } from '../../src/answer/answer-settings.js';
import { createFacts, Transport } from '../../src/answer/facts.js';
import { createResponder } from '../../src/answer/respond.js';
import { configSchema } from '../../src/config/schema.js';
import { Publisher } from '../../src/image/catalog.js';
import { load } from '../../src/image/load.js';
import { NO_POLICIES, type Policies } from '../../src/image/policy.js';
import { answerSettings } from '../../src/server/plane/configured-settings.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { nameFromText } from './names.js';

export type TestTransport = 'udp' | 'tcp' | 'tls';

const TRANSPORTS = { udp: Transport.UDP, tcp: Transport.TCP, tls: Transport.TLS } as const;

export interface Engine {
  /** The response to `message`, or undefined for silence. */
  ask(message: Uint8Array, transport: TestTransport): Uint8Array | undefined;
}

/** Seconds since 1970 at which test engines live: November 2026. */
export const NOW = 1_795_000_000;

/** Requests and responses stand somewhere in larger buffers, between octets that must not be read or changed. */
const IN_AT = 3;
const OUT_AT = 5;
const GUARD = 8;
const GUARD_OCTET = 0xa5;
const MAX_MESSAGE = 65_535;

/** Loads zones given as text and serves them; throws when one has an error that is not marked `failed`. */
export function engineOf(
  zones: readonly { file: string; text: string; failed?: boolean }[],
  settings: Partial<Settings> = {},
  policies: Policies = NO_POLICIES,
): Engine {
  const publisher = new Publisher();
  publisher.restrict(policies);
  for (const { file, text, failed } of zones) {
    const { apex, image, diagnostics } = load({ file, bytes: Buffer.from(text, 'latin1') }, { now: NOW });
    if (failed && apex && !image) {
      publisher.fail(apex);
      continue;
    }
    if (!apex || !image) throw new Error(diagnostics.list.map(formatDiagnostic).join('\n'));
    publisher.put(apex, image);
  }
  return engineOver(publisher, settings);
}

/** Serves what a publisher has. */
export function engineOver(publisher: Publisher, settings: Partial<Settings> = {}): Engine {
  const facts = createFacts(publisher.publish());
  facts.now = NOW;
  facts.keepalive = 100;
  facts.client.set([127, 0, 0, 1]);
  const responder = createResponder({ ...DEFAULT_SETTINGS, ...settings });
  const out = new Uint8Array(OUT_AT + MAX_MESSAGE + GUARD).fill(GUARD_OCTET);
  return {
    ask(message, transport) {
      facts.transport = TRANSPORTS[transport];
      const request = new Uint8Array(IN_AT + message.length + GUARD).fill(GUARD_OCTET);
      request.set(message, IN_AT);
      const length = responder.respond(request, IN_AT, message.length, facts, out, OUT_AT, MAX_MESSAGE);
      const outside = [...out.subarray(0, OUT_AT), ...out.subarray(OUT_AT + MAX_MESSAGE)];
      if (outside.some((octet) => octet !== GUARD_OCTET)) throw new Error('written outside of the given room');
      return length > 0 ? out.slice(OUT_AT, OUT_AT + length) : undefined;
    },
  };
}

/** Settings of respond() that the keys of adotd.yaml in conformance cases stand for. Throws on one that is not known here. */
export function settingsOf(config: Readonly<Record<string, unknown>>): Partial<Settings> {
  const settings: Partial<Record<keyof Settings, unknown>> = {};
  for (const [key, value] of Object.entries(config)) {
    if (key === 'minimal_responses') settings.minimalResponses = value;
    else if (key === 'any') settings.anyFull = value === 'full';
    else if (key === 'nsid') settings.nsid = Buffer.from(String(value));
    else if (key === 'version' || key === 'hostname') settings[key] = value;
    else if (key === 'report_agent') settings.reportAgent = nameFromText(String(value));
    else if (key === 'cookies') {
      const { mode, secrets } = cookieConfig.parse(value);
      settings.cookieSecrets = secrets.map((secret) => Buffer.from(secret, 'hex'));
      settings.cookiesRequired = mode === 'required';
    } else if (key === 'tsig') settings.tsigKeys = configuredKeys(configSchema.parse({ tsig: value }));
    else if (key === 'signals') {
      const { ootsOption, ootsNames } = answerSettings(configSchema.parse({ signals: value }));
      Object.assign(settings, { ootsOption, ootsNames });
    } else if (!POLICY_KEYS.has(key)) throw new Error(`unknown key ${key}`);
  }
  return settings as Partial<Settings>;
}

/** Keys that are no settings of respond() but policies of the catalog. */
const POLICY_KEYS: ReadonlySet<string> = new Set(['access', 'zones']);

const cookieConfig = z.object({ mode: z.string(), secrets: z.array(z.string()).default([]) });
