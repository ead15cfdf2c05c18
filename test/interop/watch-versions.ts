/** Asks a server over UDP, TCP and TLS while it loads one version of a zone after the other, and checks each answer. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { decode, encode, type Packet, streamEncode } from 'dns-packet';
import { PATIENCE } from '../support/patience.js';
import type { Reply } from '../support/query.js';
import { type Question, questionsOf, versionsOf } from './versioned-zone.js';

/** The versions that the server may answer from. */
interface Versions {
  /** The last that a reload has told of. */
  readonly loaded: number;
  /** All that were put in place and can be loaded. */
  readonly valid: ReadonlySet<number>;
}

interface Watched {
  readonly answers: number;
  /** How many different versions were seen. */
  readonly versions: number;
  /** The first ones. */
  readonly problems: readonly string[];
}

type Transport = 'udp' | 'tcp' | 'tls';

/** Sockets and sessions of each transport: enough for all threads to have some. */
const EACH = 4;
/** Milliseconds between two runs of questions on one of them. A guess: some thousand questions a second in all. */
const PAUSE = 10;
const MOST_PROBLEMS = 10;

interface Session {
  /** The replies in the order in which they came; fewer when some are lost. */
  ask(questions: readonly Question[]): Promise<Reply[]>;
  close(): void;
}

/** Begins to ask; end() returns the results. `versions` is read again before and after each question. */
export async function watchVersions(
  server: { readonly port: number; readonly tlsPort: number },
  versions: Versions,
): Promise<{ end(): Promise<Readonly<Record<Transport, Watched>>> }> {
  let over = false;
  const begin = async (transport: Transport) => {
    const seen = new Set<number>();
    const problems: string[] = [];
    let answers = 0;
    const watch = async (session: Session, first: number): Promise<void> => {
      let last = 0;
      for (let turn = first; !over && problems.length < MOST_PROBLEMS; turn++) {
        const questions = questionsOf(turn);
        const least = versions.loaded;
        const replies = await session.ask(questions);
        answers += replies.length;
        if (replies.length < questions.length) problems.push(`${questions.length - replies.length} answers lost`);
        for (const reply of replies) {
          const question = questions[reply.id ?? -1];
          const found = question ? versionsOf(question, reply) : `ID ${reply.id} was not asked`;
          if (typeof found === 'string') problems.push(found);
          else
            for (const version of found) {
              const known = versions.valid.has(version);
              if (!known || version < least) problems.push(`version ${version} after ${least} was loaded`);
              if (version < last) problems.push(`version ${version} after ${last} on one session`);
              last = version;
              seen.add(version);
            }
        }
        await sleep(PAUSE);
      }
      session.close();
    };
    const open = { udp: openUdp, tcp: openTcp, tls: openTls }[transport];
    const sessions = await Promise.all(Array.from({ length: EACH }, () => open(server)));
    const watching = Promise.all(sessions.map((session, i) => watch(session, i * 7)));
    return async (): Promise<Watched> => {
      await watching;
      return { answers, versions: seen.size, problems };
    };
  };
  const [udp, tcp, tls] = [await begin('udp'), await begin('tcp'), await begin('tls')];
  return {
    async end() {
      over = true;
      return { udp: await udp(), tcp: await tcp(), tls: await tls() };
    },
  };
}

export const query = ({ name, type }: Question, id: number): Packet => ({
  type: 'query',
  id,
  questions: [{ name, type, class: 'IN' }],
});

/** One question at a time: datagrams have no order. The port stays, and with it the thread that answers. */
async function openUdp({ port }: { readonly port: number }): Promise<Session> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return {
    async ask(questions) {
      const replies: Reply[] = [];
      for (const [id, question] of questions.entries()) {
        socket.send(encode(query(question, id)));
        const [octets] = await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE) }).catch(() => []);
        if (octets !== undefined) replies.push(decode(octets) as Reply);
      }
      return replies;
    },
    close: () => void socket.close(),
  };
}

async function openTcp({ port }: { readonly port: number }): Promise<Session> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return streamSession(socket);
}

async function openTls({ tlsPort }: { readonly tlsPort: number }): Promise<Session> {
  const socket = connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return streamSession(socket);
}

/** All questions at once. */
function streamSession(socket: Socket): Session {
  let received = Buffer.alloc(0);
  let come = (): void => undefined;
  socket.on('data', (octets) => {
    received = Buffer.concat([received, octets]);
    come();
  });
  // Missing answers are reported then.
  for (const event of ['error', 'close']) socket.on(event, () => come());
  return {
    async ask(questions) {
      socket.write(Buffer.concat(questions.map((question, id) => streamEncode(query(question, id)))));
      const replies: Reply[] = [];
      const end = AbortSignal.timeout(PATIENCE);
      end.addEventListener('abort', () => come());
      while (replies.length < questions.length) {
        const length = received.length < 2 ? Number.POSITIVE_INFINITY : 2 + received.readUInt16BE();
        if (received.length >= length) {
          replies.push(decode(received.subarray(2, length)) as Reply);
          received = received.subarray(length);
        } else {
          if (socket.destroyed || end.aborted) break;
          await new Promise<void>((resolve) => (come = resolve));
        }
      }
      return replies;
    },
    close: () => void socket.destroy(),
  };
}
