/** A secondary service whose server is a test, and its primaries. */
import { load } from '../../../src/image/load.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { Resolve } from '../../../src/server/secondaries/primary.js';
import type {
  ReceivedVersion,
  SecondaryHost,
  SecondarySettings,
  SecondaryZone,
} from '../../../src/server/secondaries/secondary-host.js';
import { SecondaryService } from '../../../src/server/secondaries/secondary-service.js';
import type { TransferLitter } from '../../../src/server/secondaries/transfer-litter.js';
import { LoaderLane } from '../../../src/server/zones/jobs/loader-lane.js';
import { systemClock } from '../../../src/session/clock.js';
import type { RefreshFacts } from '../../../src/transfer/in/zone-refresh.js';
import { TestPrimary } from './test-primary.js';

export const LIMITS = {
  max: 10,
  maxPerPeer: 2,
  idleTimeout: 5,
  timeout: 60,
  maxOctets: 10_000_000,
  minRefresh: 1,
  maxRefresh: 1e6,
};
const ends: (() => Promise<void> | void)[] = [];

/** Ends everything that was made here. */
export async function endAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

/** An image of a zone with these further records. */
export function imageOf(zone: string, serial: number, ...lines: string[]): Uint8Array {
  const text = [`@ 60 SOA ns h ${serial} 3600 600 86400 5`, '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...lines, ''].join('\n');
  const { image, diagnostics } = load(
    { file: 'test', bytes: Buffer.from(text), origin: nameFromText(zone) },
    { now: 1_780_000_000 },
  );
  if (image === undefined) throw new Error(JSON.stringify(diagnostics.list));
  return image;
}

export async function primary(): Promise<TestPrimary> {
  const made = new TestPrimary();
  await made.listen();
  ends.push(() => made.close());
  return made;
}

/** Takes versions, and lines of the log. */
export class Host implements SecondaryHost {
  readonly versions = new Map<string, ReceivedVersion[]>();
  readonly confirmed: string[] = [];
  readonly expired: string[] = [];
  readonly renewed: string[] = [];
  readonly lines: string[] = [];
  adopting: ((zone: string) => Promise<void>) | undefined;
  #changed: (() => void)[] = [];

  async image(zone: string): Promise<Uint8Array | undefined> {
    return this.#last(zone)?.image;
  }
  async adopt(zone: string, version: ReceivedVersion): Promise<void> {
    await this.adopting?.(zone);
    this.versions.set(zone, [...(this.versions.get(zone) ?? []), version]);
    this.#tell();
  }
  async confirm(zone: string, _facts: RefreshFacts): Promise<void> {
    this.confirmed.push(zone);
    this.#tell();
  }
  async expire(zone: string): Promise<void> {
    this.expired.push(zone);
    this.#tell();
  }
  async renew(zone: string): Promise<void> {
    this.renewed.push(zone);
  }
  log(level: string, _fields: object, text: string): void {
    this.lines.push(`${level}: ${text}`);
    this.#tell();
  }
  /** Fulfilled when `isSo` holds. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }
  #tell(): void {
    for (const one of this.#changed.splice(0)) one();
  }
  text(zone: string): string {
    return [...imageText(this.#last(zone)!.image)].join('');
  }
  #last(zone: string) {
    const version = this.versions.get(zone)?.at(-1);
    return version?.form === 'version' ? version : undefined;
  }
}

export const zoneOf = (name: string, from: readonly string[], facts?: RefreshFacts): SecondaryZone => ({
  key: name,
  apex: nameFromText(name),
  from,
  facts,
  isSignedHere: false,
});

export function settingsOf(
  primaries: Record<string, TestPrimary | number>,
  zones: readonly SecondaryZone[],
  more: object = {},
): SecondarySettings {
  return {
    zones,
    primaries: Object.entries(primaries).map(([name, one]) => ({
      name,
      addresses: ['127.0.0.1'],
      port: typeof one === 'number' ? one : one.port,
      key: undefined,
      sources: [],
      tls: undefined,
    })),
    limits: { ...LIMITS, ...more },
    resolver: [],
    nsec3MaxIterations: 150,
  };
}

/** `elapsed`: seconds on the clock of refreshes. */
export function serviceOf(
  host: Host,
  elapsed = (): number => performance.now() / 1000,
  resolve: Resolve = async () => [],
  litter?: Pick<TransferLitter, 'left' | 'close'>,
): SecondaryService {
  const lane = new LoaderLane(systemClock, false);
  const options = { clock: systemClock, lane, resolve, elapsed, ...(litter && { litter }) };
  const service = new SecondaryService(host, options);
  ends.push(() => service.close());
  return service;
}
