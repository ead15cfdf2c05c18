/** Tells others of new versions of zones (NOTIFY, RFC 1996). */
import { randomInt } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import type { Config } from '../../config/schema.js';
import { messageOf, systemReason } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { NO_NOTIFIES, type NotifyCounts } from '../../observe/metrics/transfer-facts.js';
import { Rcode } from '../../protocol/iana.js';
import type { Clock, Timer } from '../../session/clock.js';
import { notifyFacts } from '../../transfer/notify/notify-facts.js';
import {
  judgeNotifyResponse,
  type NotifyRequest,
  NotifyVerdict,
  notifyRequest,
} from '../../transfer/notify/notify-message.js';
import { type DueNotify, type NotifyFailure, NotifySchedule } from '../../transfer/notify/notify-schedule.js';
import { resolverOf } from '../secondaries/resolve-remote.js';
import { type NotifySockets, openNotifySockets } from './notify-sockets.js';
import { type NotifyTarget, NotifyTargets } from './notify-targets.js';

const ID_LIMIT = 65_536;
const RCODES = Object.entries(Rcode);

interface NotifierParts {
  /** The version of a zone that is served now, by its key. */
  image(zone: string): Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Others in tests. */
  readonly sockets?: typeof openNotifySockets;
  readonly resolver?: typeof resolverOf;
}

/** A message that is out. */
interface Sent extends DueNotify {
  readonly request: NotifyRequest;
  readonly address: string;
  readonly port: number;
  /** Closes its connection, if it has one. */
  close?: (() => void) | undefined;
}

export class Notifier {
  readonly #parts: NotifierParts;
  readonly #schedule = new NotifySchedule();
  readonly #timer: Timer;
  readonly #sockets: NotifySockets;
  /** By ID. */
  readonly #sent = new Map<number, Sent>();
  /** By zone and target, its message that is out. */
  readonly #ids = new Map<string, number>();
  readonly #known = new Map<string, NotifyTarget>();
  #targets: NotifyTargets;
  #resolve: ReturnType<typeof resolverOf>;
  #counts: NotifyCounts = NO_NOTIFIES;
  #closed = false;

  constructor(config: Config, parts: NotifierParts) {
    const { clock, log, sockets = openNotifySockets, resolver = resolverOf } = parts;
    this.#parts = parts;
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
    this.#timer = clock.timer(() => this.#work());
    this.#sockets = sockets((message, address, port) => this.#received(message, address, port));
  }

  configure(config: Config): void {
    const { log, resolver = resolverOf } = this.#parts;
    this.#targets = new NotifyTargets(config, log);
    this.#resolve = resolver(config.resolver);
  }

  /** A zone, by its key, has another serial: tells those that are to know. Returns how many. */
  changed(zone: string, serial: number): number {
    const image = this.#parts.image(zone);
    if (image === undefined || this.#closed) return 0;
    const targets = this.#targets.of(zone, () => notifyFacts(image).nameservers);
    for (const target of targets) this.#known.set(target.name, target);
    const names = new Set(targets.map(({ name }) => name));
    this.#schedule.keep(zone, names);
    this.#schedule.add(zone, serial, names, this.#now);
    this.#arm();
    return targets.length;
  }

  /** Tells them again, on an operator's request; undefined: there is no such zone. */
  notify(zone: string): number | undefined {
    const image = this.#parts.image(zone);
    return image && this.changed(zone, serialOf(image));
  }

  get counts(): NotifyCounts {
    return { ...this.#counts, pending: this.#schedule.pending };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.clear();
    this.#sockets.close();
    this.#sent.clear();
  }

  get #now(): number {
    return this.#parts.clock.milliseconds();
  }

  #arm(): void {
    const at = this.#schedule.nextAt;
    if (at === Number.POSITIVE_INFINITY || this.#closed) this.#timer.clear();
    else this.#timer.set(Math.max(0, at - this.#now));
  }

  #work(): void {
    const { due, failed } = this.#schedule.take(this.#now);
    for (const one of failed) this.#givenUp(one);
    for (const one of due) void this.#send(one);
    this.#arm();
  }

  /** Sends one message. What goes wrong is tried again, as if no response had come. */
  async #send(due: DueNotify): Promise<void> {
    const target = this.#known.get(due.target);
    const image = this.#parts.image(due.zone);
    this.#forget(due);
    try {
      const addresses = target === undefined || image === undefined ? [] : await this.#addressesOf(target);
      const address = addresses[due.attempt % Math.max(1, addresses.length)];
      if (this.#closed) return;
      if (target === undefined || image === undefined || address === undefined) {
        // Nobody is left to be told: the zone is gone, or the nameserver is this server.
        this.#schedule.answered(due.zone, due.target, due.serial, this.#now);
        this.#arm();
      } else this.#sendTo(due, target, address, image);
    } catch (error) {
      this.#failedToSend(due, messageOf(error));
    }
  }

  #sendTo(due: DueNotify, target: NotifyTarget, address: string, image: Uint8Array): void {
    const { port, sources, key } = target;
    const { apex, soa } = notifyFacts(image);
    const request = notifyRequest(this.#freeId(), apex, soa, key, this.#parts.clock.seconds());
    const source = sources.find((one) => isIPv6(one) === isIPv6(address));
    const delivery = { address, port, source, octets: request.octets };
    const sent: Sent = { ...due, request, address, port };
    this.#sent.set(request.id, sent);
    this.#ids.set(keyOf(due), request.id);
    this.#counts = { ...this.#counts, sent: this.#counts.sent + 1 };
    const failed = (error: Error): void => this.#failedToSend(due, systemReason(error));
    if (due.overTcp) sent.close = this.#sockets.sendOnStream(delivery, (message) => this.#judge(sent, message), failed);
    else this.#sockets.sendDatagram(delivery, failed);
  }

  async #addressesOf({ hosts, port }: NotifyTarget): Promise<readonly string[]> {
    const found = await Promise.all(hosts.map(async (host) => (isIP(host) !== 0 ? [host] : this.#resolve(host))));
    return found.flat().filter((address) => !this.#targets.isOwn(address, port));
  }

  #received(message: Uint8Array, address: string, port: number): void {
    const sent = message.length < 2 ? undefined : this.#sent.get((message[0]! << 8) | message[1]!);
    // Only the one that was asked may answer.
    if (sent !== undefined && !sent.overTcp && sent.port === port && isSameAddress(sent.address, address))
      this.#judge(sent, message);
  }

  #judge(sent: Sent, message: Uint8Array): void {
    const { verdict, rcode } = judgeNotifyResponse(sent.request, message, this.#parts.clock.seconds());
    if (verdict !== NotifyVerdict.RESPONSE) return;
    this.#forget(sent);
    if (!this.#schedule.answered(sent.zone, sent.target, sent.serial, this.#now)) return;
    this.#arm();
    const { zone, target, serial } = sent;
    const { log } = this.#parts;
    const isFine = rcode === Rcode.NOERROR;
    this.#counts = isFine
      ? { ...this.#counts, acknowledged: this.#counts.acknowledged + 1 }
      : { ...this.#counts, refused: this.#counts.refused + 1 };
    const mnemonic = RCODES.find(([, number]) => number === rcode)?.[0] ?? `RCODE${rcode}`;
    if (isFine) log.debug({ zone, target, serial }, `${target} was told of zone ${zone} serial ${serial}`);
    else log.warn({ zone, target, serial, rcode }, `${target} answers NOTIFY of zone ${zone} with ${mnemonic}`);
  }

  #failedToSend(due: DueNotify, reason: string): void {
    if (this.#closed) return;
    const { zone, target, serial } = due;
    this.#parts.log.debug({ zone, target, serial }, `NOTIFY of zone ${zone} to ${target} was not sent: ${reason}`);
    this.#schedule.unsent(due, this.#now);
    this.#arm();
  }

  #givenUp({ zone, target, serial }: NotifyFailure): void {
    this.#forget({ zone, target });
    this.#counts = { ...this.#counts, failed: this.#counts.failed + 1 };
    const text = `${target} does not answer NOTIFY of zone ${zone} serial ${serial}; it finds out after REFRESH`;
    this.#parts.log.warn({ zone, target, serial }, text);
  }

  /** The message that is out is not waited for any more. */
  #forget(due: Pick<DueNotify, 'zone' | 'target'>): void {
    const key = keyOf(due);
    const id = this.#ids.get(key);
    this.#ids.delete(key);
    if (id === undefined) return;
    this.#sent.get(id)?.close?.();
    this.#sent.delete(id);
  }

  /** An ID that no forger can foresee (RFC 5452 §4.3), and that no other message has. */
  #freeId(): number {
    for (;;) {
      const id = randomInt(ID_LIMIT);
      if (!this.#sent.has(id)) return id;
    }
  }
}

function keyOf({ zone, target }: Pick<DueNotify, 'zone' | 'target'>): string {
  return `${target}\n${zone}`;
}

/** node:dgram writes IPv6 addresses in their shortest form, configurations may not. */
function isSameAddress(a: string, b: string): boolean {
  return a === b || (isIPv6(a) && isIPv6(b) && canonical(a) === canonical(b));
}

function canonical(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname;
}

function serialOf(image: Uint8Array): number {
  const { apex, soa } = notifyFacts(image);
  return apex.length === 0 ? 0 : Buffer.from(soa).readUInt32BE(soa.length - 20);
}
