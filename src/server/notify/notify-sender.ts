/** Sends NOTIFY messages to targets until each has responded, or is given up (RFC 1996 §3.6). */
import { randomInt } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { messageOf, systemReason } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { NO_NOTIFIES, type NotifyCounts } from '../../observe/metrics/transfer-facts.js';
import { Rcode } from '../../protocol/iana.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import type { Clock, Timer } from '../../session/clock.js';
import { judgeNotifyResponse, type NotifyRequest, NotifyVerdict } from '../../transfer/notify/notify-message.js';
import { type DueNotify, type NotifyFailure, NotifySchedule } from '../../transfer/notify/notify-schedule.js';
import type { Resolve } from '../secondaries/primary.js';
import { type NotifySockets, openNotifySockets } from './notify-sockets.js';

const ID_LIMIT = 65_536;
const RCODES = Object.entries(Rcode);

/** A nameserver that is told. */
export interface NotifyTarget {
  /** For the log, and different for each target: `second`, or `ns1.example.net. (NS)`. */
  readonly name: string;
  /** Addresses, and names of hosts. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Addresses of this server to send from. */
  readonly sources: readonly string[];
  readonly key: TsigKey | undefined;
}

interface SenderParts {
  readonly clock: Clock;
  readonly log: Log;
  /** For the log: `NOTIFY`. */
  readonly what: string;
  /** For the log: how the target finds out without this message. */
  readonly otherwise: string;
  /** Others in tests. */
  readonly sockets?: typeof openNotifySockets | undefined;
  readonly resolve: Resolve;
  /** Whether an address is one of this server. */
  isOwn(address: string, port: number): boolean;
  /** The message about a zone as it is now; undefined: the zone is gone. */
  request(zone: string, id: number, key: TsigKey | undefined): NotifyRequest | undefined;
}

/** A message that is out. */
interface Sent extends DueNotify {
  readonly request: NotifyRequest;
  readonly address: string;
  readonly port: number;
  /** Closes its connection, if it has one. */
  close?: (() => void) | undefined;
}

export class NotifySender {
  readonly #parts: SenderParts;
  readonly #schedule = new NotifySchedule();
  readonly #timer: Timer;
  readonly #sockets: NotifySockets;
  /** By ID. */
  readonly #sent = new Map<number, Sent>();
  /** By zone and target, its message that is out. */
  readonly #ids = new Map<string, number>();
  /** By zone and target, why its last message could not be sent. */
  readonly #reasons = new Map<string, string>();
  readonly #known = new Map<string, NotifyTarget>();
  #counts: NotifyCounts = NO_NOTIFIES;
  #closed = false;

  constructor(parts: SenderParts) {
    const { clock, sockets = openNotifySockets } = parts;
    this.#parts = parts;
    this.#timer = clock.timer(() => this.#work());
    this.#sockets = sockets((message, address, port) => this.#received(message, address, port));
  }

  /** Tells targets that a zone has a serial, beginning with the first attempt. Targets of the zone that are not in `all` are given up. */
  tell(zone: string, serial: number, targets: readonly NotifyTarget[], all = targets): void {
    if (this.#closed) return;
    for (const target of targets) {
      this.#known.set(target.name, target);
      this.#reasons.delete(keyOf({ zone, target: target.name }));
    }
    const names = targets.map(({ name }) => name);
    this.#schedule.keep(zone, new Set(all.map(({ name }) => name)));
    this.#schedule.add(zone, serial, names, this.#now);
    this.#arm();
  }

  get counts(): NotifyCounts {
    return { ...this.#counts, pending: this.#schedule.pending };
  }

  close(): void {
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

  /** Sends one message. After an error it is tried again, as if no response had come. */
  async #send(due: DueNotify): Promise<void> {
    const target = this.#known.get(due.target);
    this.#forget(due);
    try {
      const addresses = target === undefined ? [] : await this.#addressesOf(target);
      const address = addresses[due.attempt % Math.max(1, addresses.length)];
      if (this.#closed) return;
      const request =
        target === undefined || address === undefined
          ? undefined
          : this.#parts.request(due.zone, this.#freeId(), target.key);
      if (target === undefined || address === undefined || request === undefined) {
        // Nobody is left to be told: the zone is gone, or the nameserver is this server.
        this.#schedule.answered(due.zone, due.target, due.serial, this.#now);
        this.#arm();
      } else this.#sendTo(due, target, address, request);
    } catch (error) {
      this.#failedToSend(due, messageOf(error));
    }
  }

  #sendTo(due: DueNotify, { port, sources }: NotifyTarget, address: string, request: NotifyRequest): void {
    const source = sources.find((one) => isIPv6(one) === isIPv6(address));
    const delivery = { address, port, source, octets: request.octets };
    const sent: Sent = { ...due, request, address, port };
    this.#sent.set(request.id, sent);
    this.#ids.set(keyOf(due), request.id);
    this.#reasons.delete(keyOf(due));
    this.#counts = { ...this.#counts, sent: this.#counts.sent + 1 };
    const over = due.overTcp ? 'over TCP' : 'over UDP';
    const from = source === undefined ? '' : ` from ${source}, the \`source\` of the remote`;
    const failed = (error: Error): void =>
      this.#failedToSend(due, `${over} to ${address} port ${port}${from}: ${systemReason(error)}`);
    if (due.overTcp) sent.close = this.#sockets.sendOnStream(delivery, (message) => this.#judge(sent, message), failed);
    else this.#sockets.sendDatagram(delivery, failed);
  }

  async #addressesOf({ hosts, port }: NotifyTarget): Promise<readonly string[]> {
    const { resolve, isOwn } = this.#parts;
    const found = await Promise.allSettled(hosts.map(async (host) => (isIP(host) !== 0 ? [host] : resolve(host))));
    const addresses = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    // A name without an address does not stand in the way of others.
    const failed = found.find((one) => one.status === 'rejected');
    if (addresses.length === 0 && failed !== undefined) throw failed.reason;
    return addresses.filter((address) => !isOwn(address, port));
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
    const { log, what } = this.#parts;
    const isFine = rcode === Rcode.NOERROR;
    this.#counts = isFine
      ? { ...this.#counts, acknowledged: this.#counts.acknowledged + 1 }
      : { ...this.#counts, refused: this.#counts.refused + 1 };
    const mnemonic = RCODES.find(([, number]) => number === rcode)?.[0] ?? `RCODE${rcode}`;
    if (isFine) log.debug({ zone, target, serial }, `${target} has taken ${what} of zone ${zone} serial ${serial}`);
    else log.warn({ zone, target, serial, rcode }, `${target} answers ${what} of zone ${zone} with ${mnemonic}`);
  }

  #failedToSend(due: DueNotify, reason: string): void {
    if (this.#closed) return;
    const { zone, target, serial } = due;
    const { log, what } = this.#parts;
    log.debug({ zone, target, serial }, `${what} of zone ${zone} to ${target} was not sent: ${reason}`);
    this.#reasons.set(keyOf(due), reason);
    this.#schedule.unsent(due, this.#now);
    this.#arm();
  }

  #givenUp({ zone, target, serial }: NotifyFailure): void {
    this.#forget({ zone, target });
    this.#counts = { ...this.#counts, failed: this.#counts.failed + 1 };
    const { log, what, otherwise } = this.#parts;
    const reason = this.#reasons.get(keyOf({ zone, target }));
    this.#reasons.delete(keyOf({ zone, target }));
    const trouble =
      reason === undefined
        ? `${target} does not answer ${what} of zone ${zone} serial ${serial}`
        : `${target} could not be sent ${what} of zone ${zone} serial ${serial}: ${reason}`;
    log.warn({ zone, target, serial, reason }, `${trouble}; ${otherwise}`);
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
