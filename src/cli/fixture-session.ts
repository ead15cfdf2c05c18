/** A fixture's commands are run one after the other, and each is answered with one line. */
import { AdotdError, ErrorCode } from '../errors.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import { type Fixture, type ReadyCommand, readCommand } from './fixture-commands.js';
import type { Conversation } from './fixture-conversation.js';
import { type InputLine, MAX_LINE } from './fixture-input.js';

/** Commands that may wait at a time. A guess. */
const MAX_WAITS = 1000;
/** Characters of a message. A guess: twenty mistakes of a zone fit in. */
const MAX_MESSAGE = 8000;

/**
 * Answers every line, in their order; a wait is answered when it ends, and holds up nobody. Fulfilled when the conversation is over;
 * what is under way then is not answered any more. Rejects with what is no AdotdError.
 */
export async function runCommands(conversation: Conversation, fixture: Fixture): Promise<void> {
  let waits = 0;
  let broken: { readonly error: unknown } | undefined;
  const wait = async (command: ReadyCommand, line: InputLine): Promise<void> => {
    waits++;
    try {
      await conversation.say(await answered(command, line, fixture));
    } catch (error) {
      broken = { error };
      conversation.end();
    } finally {
      waits--;
    }
  };
  for (let line = await conversation.line(); line !== undefined; line = await conversation.line()) {
    const command = commandOf(line);
    if ('error' in command) {
      await conversation.say(replyOf(command.id, command.error, line));
    } else if (command.kind !== 'wait') {
      await conversation.say(await answered(command, line, fixture));
      if (command.kind === 'last') conversation.end();
    } else if (waits < MAX_WAITS) {
      void wait(command, line);
    } else {
      const message = `${waits} commands wait already, expected less than ${MAX_WAITS} at a time`;
      await conversation.say(replyOf(command.id, new AdotdError(ErrorCode.CONFIG, message), line));
    }
  }
  if (broken !== undefined) throw broken.error;
}

function commandOf(line: InputLine): ReturnType<typeof readCommand> {
  if (line.octets !== undefined) return readCommand(line.octets);
  const message = `longer than ${MAX_LINE} octets, what follows of it was not read; give a long zone as "file"`;
  return { id: undefined, error: new AdotdError(ErrorCode.CONFIG, message) };
}

async function answered(command: ReadyCommand, line: InputLine, fixture: Fixture): Promise<object> {
  try {
    return replyTo(command.id, { ok: true, ...(await command.run(fixture)) });
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return replyOf(command.id, error, line);
  }
}

function replyOf(id: string | number | undefined, error: AdotdError, { number }: InputLine): object {
  const { code } = error;
  const message = shortened(error.message);
  const more = 'diagnostics' in error ? { diagnostics: (error.diagnostics as readonly Diagnostic[]).map(told) } : {};
  return replyTo(id, { ok: false, error: { code, message, line: number, ...more } });
}

function told(found: Diagnostic): Diagnostic {
  return { ...found, message: shortened(found.message) };
}

/** Messages say what was found, and that may be megabytes. */
function shortened(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}

function replyTo(id: string | number | undefined, reply: object): object {
  return id === undefined ? reply : { id, ...reply };
}
