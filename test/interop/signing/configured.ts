/** adotd with zones whose TTLs are two seconds, and what waits for it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { adotd, adotdServe, type Serving } from '../../support/cli.js';
import { until } from '../../support/patience.js';

/** Milliseconds: a roll takes some 20 s, with a busy machine and another signer a minute. */
const PATIENCE = 180_000;

/** A zone file whose TTLs are two seconds. `zone` ends with a dot. */
export function zoneText(zone: string, lines: readonly string[]): string {
  return [`$ORIGIN ${zone}`, '@ 2 SOA ns h 1 60 30 60 2', '@ 2 NS ns', 'ns 2 A 127.0.0.1', ...lines, ''].join('\n');
}

/** A server with a configuration that can be changed while it runs. */
export class Configured {
  readonly #folder: string;
  readonly #socket: string;
  #serving: Serving | undefined;

  /** `folder`: is made. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#socket = join(this.#folder, 'ctl.sock');
    mkdirSync(join(this.#folder, 'zones'), { recursive: true });
  }

  get port(): number {
    return this.#serving!.port;
  }

  log(): string {
    return this.#serving?.stderr() ?? '';
  }

  writeZone(zone: string, lines: readonly string[]): void {
    writeFileSync(join(this.#folder, 'zones', `${zone}zone`), zoneText(zone, lines));
  }

  async start(config: object): Promise<void> {
    this.#write(config);
    this.#serving = await adotdServe('--config', join(this.#folder, 'adotd.yaml'));
  }

  async change(config: object): Promise<void> {
    this.#write(config);
    await this.ctl('reload');
  }

  async ctl(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await adotd('ctl', '--socket', this.#socket, ...words);
    if (status !== 0) throw new Error(`adotd ctl ${words.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  async stop(): Promise<void> {
    await this.#serving?.stop();
  }

  #write(config: object): void {
    const own = {
      listen: ['127.0.0.1'],
      workers: 1,
      tls: { enabled: false },
      control: { socket: this.#socket },
      state: { folder: join(this.#folder, 'state') },
    };
    writeFileSync(join(this.#folder, 'adotd.yaml'), stringify({ ...own, ...config }));
  }
}

/** Waits until something is so, patiently. */
export const comes = (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> =>
  until(what, isSo, undefined, { pause: 100, patience: PATIENCE });
