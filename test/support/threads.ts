/** A server with threads of its own, in this process. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { configSchema } from '../../src/config/schema.js';
import type { Log } from '../../src/observe/log.js';
import type { DataPlane } from '../../src/server/plane/data-plane.js';
import type { WorkerSpawns } from '../../src/server/plane/thread-messages.js';
import { createServer, type Server } from '../../src/server/server.js';
import type { ZoneFile } from '../../src/server/zones/zone-files.js';
import { STREAMS } from './streams-path.js';

/** A line that was logged. */
interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface ThreadedServer extends AsyncDisposable {
  readonly server: Server;
  readonly plane: DataPlane;
  readonly port: number;
  readonly tlsPort: number;
  readonly log: LogLine[];
  /** Waits until a line matches. */
  logged(pattern: RegExp): Promise<LogLine>;
}

/**
 * Serves zones (text by name, or files) with threads; `config` as in adotd.yaml, by default one worker of each kind and no TLS.
 * Throws when the server has no threads here. `spawn`: how threads are started, as a server does by default.
 */
export async function startThreads(
  zones: Record<string, string> | readonly string[],
  config: Record<string, unknown> = {},
  spawn?: WorkerSpawns,
): Promise<ThreadedServer> {
  const sources = (): ZoneFile[] =>
    Array.isArray(zones)
      ? zones.map((file: string) => ({ file }))
      : Object.entries(zones).map(([name, text]) => ({ file: name, name, text }));
  const lines: LogLine[] = [];
  const note =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: fields as Record<string, unknown>, message });
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const given = { port: 0, tls_port: 0, workers: 1, streams: STREAMS, tls: { enabled: false }, ...config };
  const server = await createServer({
    config: configSchema.parse(given),
    zones: sources,
    log,
    loader: { thread: false },
    spawn,
  });
  const { path, streams } = server.plane.status;
  if (path !== 'threads' || (config.streams === undefined && streams !== STREAMS)) {
    await server.close();
    const said = lines.map(({ message }) => message).join('; ');
    throw new Error(`the server has no threads, or its streams are not on ${STREAMS}: ${said}`);
  }
  return {
    server,
    plane: server.plane,
    port: server.udp[0]?.port ?? 0,
    tlsPort: server.tls[0]?.port ?? 0,
    log: lines,
    async logged(pattern) {
      for (const end = Date.now() + 10_000; Date.now() < end; ) {
        const line = lines.find(({ message }) => pattern.test(message));
        if (line) return line;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(`no line ${pattern}: ${lines.map(({ message }) => message).join('\n')}`);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** The names of all threads of this process, as the system has them. */
export const threadNames = (): string[] =>
  readdirSync('/proc/self/task').flatMap((task) => {
    const file = `/proc/self/task/${task}/comm`;
    // It may have ended meanwhile.
    return existsSync(file) ? readFileSync(file, 'latin1').trim() : [];
  });
