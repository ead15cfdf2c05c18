/**
 * Lines of the log about requests that are refused because of their senders. The operator who can mend a key or a list of remotes reads
 * this log, and not the other side's. Anybody can send such requests, so each line is logged once an hour, and at most LINES of them.
 */
import type { Log } from '../observe/log.js';
import { nameToText } from '../protocol/name.js';
import { type RequestTsig, TsigVerdict } from '../protocol/tsig/tsig.js';
import type { Clock } from '../session/clock.js';
import { addressText } from '../session/describe.js';
import type { Peer } from '../transfer/peer.js';

/** Lines in an hour. A guess: those of a server whose secondaries all have the wrong key. */
const LINES = 50;
/** Milliseconds. */
const HOUR = 3_600_000;

export class RefusedRequests {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #clock: Pick<Clock, 'milliseconds'>;
  readonly #told = new Set<string>();
  #since = 0;

  constructor(log: Pick<Log, 'info' | 'warn'>, clock: Pick<Clock, 'milliseconds'>) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A transfer that is not for this client. `name`: the zone that it asked for, in wire format; `reason`: the text that the client got. */
  transfer(name: Uint8Array, { address, key }: Pick<Peer, 'address' | 'key'>, reason: string): void {
    const [zone, client] = [nameToText(name), addressText(address)];
    const signed = key === undefined ? 'not signed' : `signed with key ${nameToText(key.name)}`;
    const why = reason || 'no remote in `transfer.to` of its policy has this address, key and certificate';
    const fields = { zone, client, key: key && nameToText(key.name) };
    this.#tell('info', fields, `refused the transfer of zone ${zone} to ${client}, ${signed}: ${why}`);
  }

  /** A request whose signature is not accepted. `name`: in its question, in wire format; `now`: seconds since 1970. */
  signature(name: Uint8Array, { address }: Pick<Peer, 'address'>, tsig: RequestTsig, now: number): void {
    const [zone, client] = [nameToText(name), addressText(address)];
    const secondsBehind = Math.floor(now) - tsig.record.time;
    const fields = { name: zone, client, key: nameToText(tsig.record.name), secondsBehind };
    this.#tell('warn', fields, `refused a signed request of ${client} for ${zone}: ${signatureMistake(tsig, now)}`);
  }

  #tell(level: 'info' | 'warn', fields: object, line: string): void {
    const now = this.#clock.milliseconds();
    if (this.#told.size > 0 && now - this.#since >= HOUR) this.#told.clear();
    if (this.#told.size === 0) this.#since = now;
    if (this.#told.size > LINES || this.#told.has(line)) return;
    this.#told.add(line);
    if (this.#told.size <= LINES) this.#log[level](fields, line);
    else this.#log.warn({}, `${LINES} requests were refused for who sent them; further ones are not named for an hour`);
  }
}

/** The mistake in a signature, and where to look for it. `now`: seconds since 1970. */
function signatureMistake({ record, key, verdict }: RequestTsig, now: number): string {
  const name = nameToText(record.name);
  const algorithm = nameToText(record.algorithm).replace(/\.$/, '');
  switch (verdict) {
    case TsigVerdict.BADKEY:
      return key === undefined
        ? `no key of \`tsig\` is called ${name} (BADKEY)`
        : `key ${name} is for ${key.algorithm.name} here, and for ${algorithm} there (BADKEY)`;
    case TsigVerdict.BADSIG:
      return `the secret of key ${name} is another one here (BADSIG)`;
    case TsigVerdict.BADTIME:
      return `its clock is ${now > record.time ? 'behind' : 'ahead of'} this server's by more than ${record.fudge} s: set the wrong one (BADTIME)`;
    default:
      return `its MAC with key ${name} is shorter than \`tsig\` allows (BADTRUNC)`;
  }
}
