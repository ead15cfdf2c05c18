/**
 * Runs the secondary zones: one timer, the primaries, and the steps of the zones' refreshes. It is the same in a thread of its own and in
 * place; SecondaryHost stands for the rest of the server.
 */
import { isDeepStrictEqual } from 'node:util';
import { AdotdError, messageOf } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import type { Timer } from '../../session/clock.js';
import { DueQueue } from '../../transfer/in/due-queue.js';
import { readSoaAnswer } from '../../transfer/in/soa-answer.js';
import type { Transfer } from '../../transfer/in/transfer.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import { TransferReader } from '../../transfer/in/transfer-reader.js';
import type { WholeTransfer } from '../../transfer/in/transferred-version.js';
import { type RefreshStep, type Times, ZoneRefresh } from '../../transfer/in/zone-refresh.js';
import { adoptTransfer } from './adopt-transfer.js';
import { Primaries } from './primaries.js';
import type { Primary } from './primary.js';
import { expiryText, failureText } from './refresh-text.js';
import type { RunningZone, ServiceOptions } from './running-zone.js';
import type {
  RoundResult,
  SecondaryCounts,
  SecondaryHost,
  SecondarySettings,
  SecondaryStatus,
} from './secondary-host.js';
import { Slots } from './slots.js';
import { zoneFacts } from './zone-facts.js';

/** Zones that are checked at once; others wait. A guess. */
const ROUNDS = 256;
/** First checks of zones with a version in a second, after a start. A guess: 10,000 zones take 100 s. */
const CHECKS_PER_SECOND = 100;
/** Milliseconds: timers of node are not longer than 2^31. */
const LONGEST_TIMER = 3_600_000;

export class SecondaryService {
  readonly #host: SecondaryHost;
  readonly #options: ServiceOptions;
  readonly #zones = new Map<string, RunningZone>();
  readonly #primaries: Primaries;
  readonly #due = new DueQueue();
  readonly #timer: Timer;
  readonly #rounds = new Slots(ROUNDS);
  readonly #transfers = new Slots(1);
  readonly #counts = { checks: 0, failedChecks: 0, axfr: 0, ixfr: 0, failedTransfers: 0, octets: 0, expired: 0 };
  #settings: SecondarySettings | undefined;
  #isClosed = false;

  constructor(host: SecondaryHost, options: ServiceOptions) {
    this.#host = host;
    this.#options = options;
    this.#primaries = new Primaries(options);
    this.#timer = options.clock.timer(() => this.#tick());
  }

  get counts(): SecondaryCounts {
    const refreshes = [...this.#zones.values()].map(({ refresh }) => refresh);
    return { ...this.#counts, ...zoneFacts(refreshes, this.#options.elapsed()) };
  }

  /** Takes over settings: zones that are new begin, those that are gone end. */
  configure(settings: SecondarySettings): void {
    const isOther = isOtherwise(this.#settings, settings);
    this.#settings = settings;
    this.#transfers.limit = settings.limits.max;
    const changed = this.#primaries.configure(settings, isOther);
    const wanted = new Set(settings.zones.map(({ key }) => key));
    for (const key of this.#zones.keys()) if (!wanted.has(key)) this.#remove(key);
    const { minRefresh: least, maxRefresh: longest } = settings.limits;
    const spread = settings.zones.length / CHECKS_PER_SECOND;
    const options = { spread, least, longest, random: this.#options.random };
    for (const zone of settings.zones) {
      const running = this.#zones.get(zone.key);
      if (running === undefined) {
        const refresh = new ZoneRefresh(zone.from, zone.facts, this.#times(), options);
        this.#zones.set(zone.key, {
          settings: zone,
          refresh,
          failures: [],
          isNew: false,
          error: undefined,
          waiting: [],
        });
      } else {
        running.settings = zone;
        const now = this.#options.elapsed();
        running.refresh.setPrimaries(zone.from, now);
        running.refresh.setLimits(options);
        // A failed refresh may succeed now: nobody shall have to wait for a back-off to see it.
        if (isOther || zone.from.some((name) => changed.has(name))) running.refresh.reconsider(spread, now);
      }
      this.#schedule(zone.key);
    }
    this.#arm();
  }

  /** NOTIFY came for a zone from one of its primaries; `serial`: of the SOA record in it. */
  notify(zone: string, primary: string, serial: number | undefined): void {
    const running = this.#zones.get(zone);
    if (running === undefined) return;
    // It lives.
    this.#primaries.get(primary)?.rest.reached();
    if (!running.refresh.notify(primary, serial, this.#options.elapsed())) return;
    this.#schedule(zone);
    this.#arm();
  }

  /** Checks a zone at once; `isFull`: transfers it whole. Returns how the round ended; undefined: it is no secondary zone. */
  async transfer(zone: string, isFull: boolean): Promise<RoundResult | undefined> {
    const running = this.#zones.get(zone);
    if (running === undefined) return undefined;
    for (const name of running.settings.from) this.#primaries.get(name)?.rest.reached();
    running.refresh.request(isFull, this.#options.elapsed());
    const isBusy = running.refresh.isBusy;
    this.#schedule(zone);
    this.#arm();
    const ended = (): Promise<RoundResult> => new Promise((resolve) => running.waiting.push(resolve));
    if (isBusy) await ended();
    return ended();
  }

  /** undefined: it is no secondary zone. */
  status(zone: string): SecondaryStatus | undefined {
    const running = this.#zones.get(zone);
    if (running === undefined) return undefined;
    const { refresh, settings, error } = running;
    const { now, wall } = this.#times();
    const dayOf = (at: number | undefined): number | undefined => at && Math.round(wall + at - now);
    return {
      primaries: settings.from,
      serial: refresh.serial,
      origin: refresh.origin,
      checked: dayOf(refresh.checkedAt),
      expires: dayOf(refresh.expiresAt),
      expired: refresh.isExpired,
      refresh: dayOf(refresh.nextAt),
      failures: refresh.failures,
      error,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
    this.#primaries.close();
    for (const key of [...this.#zones.keys()]) this.#remove(key);
    this.#options.lane.close();
    this.#options.litter?.close();
  }

  #remove(key: string): void {
    const running = this.#zones.get(key);
    this.#zones.delete(key);
    this.#due.delete(key);
    if (running !== undefined) this.#tell(running, false);
  }

  #times(): Times {
    return { now: this.#options.elapsed(), wall: this.#options.clock.seconds() };
  }

  #schedule(key: string): void {
    const running = this.#zones.get(key);
    if (running !== undefined) this.#due.set(key, running.refresh.dueAt);
  }

  #arm(): void {
    const { nextAt } = this.#due;
    if (this.#isClosed || nextAt === Number.POSITIVE_INFINITY) {
      this.#timer.clear();
      return;
    }
    const milliseconds = Math.ceil(Math.max(0, nextAt - this.#options.elapsed()) * 1000);
    this.#timer.set(Math.min(milliseconds, LONGEST_TIMER));
  }

  #tick(): void {
    const now = this.#options.elapsed();
    for (let key = this.#due.take(now); key !== undefined; key = this.#due.take(now)) {
      const running = this.#zones.get(key);
      if (running === undefined) continue;
      if (running.refresh.expire(now)) this.#expired(running);
      void this.#begin(running);
    }
    this.#arm();
  }

  #expired({ settings, refresh, error }: RunningZone): void {
    this.#counts.expired++;
    const { key } = settings;
    const { serial } = refresh;
    const since = Math.round(this.#options.elapsed() - (refresh.checkedAt ?? 0));
    this.#host.log('error', { zone: key, serial }, expiryText(key, serial, since, error));
    this.#host.expire(key).catch((thrown: unknown) => this.#mistake(key, thrown));
  }

  async #begin(running: RunningZone): Promise<void> {
    const { key } = running.settings;
    if (!this.#rounds.tryTake()) {
      await this.#rounds.take();
      if (this.#zones.get(key) !== running) {
        this.#rounds.free();
        return;
      }
    }
    try {
      await this.#round(running);
    } catch (error) {
      this.#mistake(key, error);
    } finally {
      this.#rounds.free();
    }
    if (this.#zones.get(key) !== running) return;
    this.#schedule(key);
    this.#arm();
  }

  async #round(running: RunningZone): Promise<void> {
    const { refresh, settings } = running;
    const { key } = settings;
    const checkedBefore = refresh.checkedAt;
    let step = refresh.next(this.#options.elapsed());
    if (step === undefined) return;
    running.failures = [];
    running.isNew = false;
    this.#schedule(key);
    while (step !== undefined) {
      step = await this.#step(running, step);
      if (this.#zones.get(key) !== running) return;
    }
    const isConfirmed = refresh.checkedAt !== checkedBefore;
    running.error = isConfirmed
      ? undefined
      : running.failures.join('; ') || 'no primary has this version or a later one';
    if (!isConfirmed) this.#logFailure(running);
    const facts = refresh.facts(this.#times());
    if (isConfirmed && !running.isNew && facts !== undefined) await this.#host.confirm(key, facts);
    this.#tell(running, isConfirmed);
  }

  #tell(running: RunningZone, isConfirmed: boolean): void {
    const { waiting, refresh, isNew, failures } = running;
    running.waiting = [];
    for (const resolve of waiting) resolve({ isConfirmed, isNew, serial: refresh.serial, failures });
  }

  #logFailure({ settings, refresh, error }: RunningZone): void {
    const { failures, serial } = refresh;
    const { key } = settings;
    // The first failure is news; further ones are told again at each doubling.
    const level = Number.isInteger(Math.log2(failures)) ? 'warn' : 'debug';
    this.#host.log(level, { zone: key, serial, failures, reason: error }, failureText(key, serial, failures, error));
  }

  /** Takes a step, and says how it ended. */
  async #step(running: RunningZone, step: RefreshStep): Promise<RefreshStep | undefined> {
    const { refresh } = running;
    const primary = this.#primaries.get(step.primary);
    try {
      if (primary === undefined) throw new TransferError(TransferFault.CONNECTION, 'it is not configured');
      if (primary.rest.isResting(this.#options.elapsed()))
        throw new TransferError(TransferFault.CONNECTION, 'it could not be reached, and is tried again later');
      if (step.kind === 'soa') return await this.#check(running, primary);
      return await this.#transfer(running, primary, step.primary, step.serial);
    } catch (error) {
      // The round goes on after any error: a zone that stood still would expire.
      if (this.#isClosed) return undefined;
      if (!(error instanceof AdotdError)) this.#mistake(running.settings.key, error);
      const fault = error instanceof TransferError ? error.fault : TransferFault.PROTOCOL;
      if (step.kind === 'soa') this.#counts.failedChecks++;
      else this.#counts.failedTransfers++;
      const what = step.kind === 'soa' ? 'SOA' : step.serial === undefined ? 'AXFR' : 'IXFR';
      const line = `${what} from ${step.primary}: ${messageOf(error)}`;
      running.failures.push(line);
      if (step.kind === 'transfer')
        this.#host.log(
          'warn',
          { zone: running.settings.key, primary: step.primary, fault },
          `zone ${running.settings.key}: ${line}`,
        );
      return refresh.failed(fault, this.#options.elapsed());
    }
  }

  async #check({ settings, refresh }: RunningZone, primary: Primary): Promise<RefreshStep | undefined> {
    this.#counts.checks++;
    const answer = await primary.ask({ apex: settings.apex, type: Type.SOA }, false, (question, verifier) => ({
      take: (message, now) => readSoaAnswer(message, question, verifier, now),
    }));
    const wasExpired = refresh.isExpired;
    const step = refresh.answered(answer, this.#options.elapsed());
    if (wasExpired && !refresh.isExpired) await this.#host.renew(settings.key);
    return step;
  }

  async #transfer(
    running: RunningZone,
    primary: Primary,
    name: string,
    serial: number | undefined,
  ): Promise<RefreshStep | undefined> {
    const { settings, refresh } = running;
    await this.#transfers.take();
    let transfer: Transfer;
    let reader: TransferReader | undefined;
    const began = this.#options.clock.milliseconds();
    try {
      const type = serial === undefined ? Type.AXFR : Type.IXFR;
      const maxOctets = this.#settings!.limits.maxOctets;
      transfer = await primary.ask(
        { apex: settings.apex, type, serial },
        true,
        (question, verifier) => (reader = new TransferReader({ question, verifier, maxOctets })),
      );
      this.#counts.octets += transfer.octets;
      if (transfer.form !== 'current') await this.#adopt(running, transfer, name, began);
    } finally {
      this.#transfers.free();
      this.#options.litter?.left(reader?.octets ?? 0);
    }
    if (transfer.form !== 'current') {
      this.#counts[transfer.form === 'zone' ? 'axfr' : 'ixfr']++;
      running.isNew = true;
    }
    const { refresh: wait, retry, expire, expireOption } = transfer;
    const facts = { serial: transfer.serial, refresh: wait, retry, expire, expireOption };
    return refresh.transferred({ ...facts, isNew: transfer.form !== 'current' }, this.#options.elapsed());
  }

  #adopt({ settings, refresh }: RunningZone, transfer: WholeTransfer, origin: string, began: number): Promise<void> {
    const { clock, lane } = this.#options;
    const { nsec3MaxIterations } = this.#settings!;
    const milliseconds = (): number => Math.round(clock.milliseconds() - began);
    const { key: zone, isSignedHere } = settings;
    const adoption = { zone, origin, before: refresh.serial, isSignedHere, milliseconds };
    return adoptTransfer(this.#host, transfer, adoption, { lane, now: clock.seconds(), nsec3MaxIterations });
  }

  /** A mistake of ours, or of the store. The zone stays as it is, and is tried again. */
  #mistake(zone: string, error: unknown): void {
    this.#host.log('error', { zone, err: error }, `zone ${zone}: ${messageOf(error)}`);
  }
}

/** Whether settings that all primaries share are others than before. */
function isOtherwise(before: SecondarySettings | undefined, { limits, resolver }: SecondarySettings): boolean {
  return before !== undefined && !isDeepStrictEqual([before.limits, before.resolver], [limits, resolver]);
}
