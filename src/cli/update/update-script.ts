/** Carries out the commands of `adotd update`, and collects the changes that are sent together. */
import { ClientError, ClientErrorCode } from '../../client/errors.js';
import type { Exchange } from '../../client/session/exchange.js';
import type { Update, UpdateRecord } from '../../client/update/send-update.js';
import type { QueryTsig } from '../../client/wire/tsig.js';
import { Class } from '../../protocol/iana.js';
import { type LineDefaults, readCommand, type UpdateCommand } from './update-command.js';

export interface UpdateServer {
  /** Undefined: the primary server of the zone, by its SOA record. */
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** An update that is to be sent. */
export interface PendingUpdate extends Omit<Update, 'zone' | 'tsig'> {
  /** Undefined: it has to be found out. */
  readonly zone: string | undefined;
  readonly server: UpdateServer;
  readonly key: Omit<QueryTsig, 'time'> | undefined;
}

/** The effects of a script: messages that it sends, and texts that it prints. */
export interface ScriptActions {
  send(update: PendingUpdate, isDebugging: boolean): Promise<Exchange | undefined>;
  show(update: PendingUpdate): void;
  answer(last: Exchange | undefined): void;
  print(what: 'version' | 'help'): void;
}

export class UpdateScript {
  readonly #actions: ScriptActions;
  #server: UpdateServer;
  #key: Omit<QueryTsig, 'time'> | undefined;
  #zone: string | undefined;
  #defaults: LineDefaults = { class: Class.IN, ttl: undefined };
  #prerequisites: UpdateRecord[] = [];
  #changes: UpdateRecord[] = [];
  #last: Exchange | undefined;
  #isDebugging: boolean;

  constructor(
    actions: ScriptActions,
    {
      server,
      key,
      isDebugging,
    }: { server: UpdateServer; key: Omit<QueryTsig, 'time'> | undefined; isDebugging: boolean },
  ) {
    this.#actions = actions;
    this.#server = server;
    this.#key = key;
    this.#isDebugging = isDebugging;
  }

  /** Records that are not sent yet. */
  get waiting(): number {
    return this.#prerequisites.length + this.#changes.length;
  }

  /** Carries out a line. Returns whether there may be more. Throws WordError, and the errors of the actions. */
  async run(line: string): Promise<boolean> {
    return await this.#do(readCommand(line, this.#defaults));
  }

  async #do(command: UpdateCommand): Promise<boolean> {
    switch (command.kind) {
      case 'server':
        this.#server = { address: command.address, port: command.port ?? this.#server.port };
        break;
      case 'zone':
        this.#zone = command.name;
        break;
      case 'class':
        this.#defaults = { ...this.#defaults, class: command.class };
        break;
      case 'ttl':
        this.#defaults = { ...this.#defaults, ttl: command.ttl };
        break;
      case 'key':
        this.#key = command.key;
        break;
      case 'prerequisite':
        this.#prerequisites.push(command.record);
        break;
      case 'change':
        this.#changes.push(command.record);
        break;
      case 'send':
        await this.#send();
        break;
      case 'show':
        this.#actions.show(this.#pending);
        break;
      case 'answer':
        this.#actions.answer(this.#last);
        break;
      case 'debug':
        this.#isDebugging = true;
        break;
      case 'version':
      case 'help':
        this.#actions.print(command.kind);
        break;
      case 'quit':
        return false;
      case 'nothing':
    }
    return true;
  }

  get #pending(): PendingUpdate {
    return {
      server: this.#server,
      key: this.#key,
      zone: this.#zone,
      class: this.#defaults.class,
      prerequisites: this.#prerequisites,
      changes: this.#changes,
    };
  }

  /** Sends the collected records, if there are any: the second of two empty lines sends nothing. */
  async #send(): Promise<void> {
    if (this.waiting === 0) return;
    const update = this.#pending;
    this.#prerequisites = [];
    this.#changes = [];
    this.#last = await this.#actions.send(update, this.#isDebugging);
  }
}

/** The name whose zone is meant when no line names it. Throws CLIENT_INPUT. */
export function nameIn({ changes, prerequisites }: PendingUpdate): string {
  const [first] = [...changes, ...prerequisites];
  if (first === undefined) throw new ClientError(ClientErrorCode.INPUT, 'nothing is to be sent');
  return first.name;
}
