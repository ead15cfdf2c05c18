// What the type checker has to accept, and to refuse, in a project that uses adotd. Never run.
import * as nodeTest from 'node:test';
import {
  AdotdError,
  type Diagnostic,
  ErrorCode,
  type QueryRecord,
  type RunningServer,
  type StartOptions,
  startServer,
} from 'adotd';
import { type Client, createClient, type Resolution, type ResourceRecord } from 'adotd/client';
import { showQueries, type UsedServer, useServer } from 'adotd/testing';
import * as vitest from 'vitest';

const options: StartOptions = { zones: { 'example.test': 'www A 192.0.2.80' }, port: 0 };
export const server: RunningServer = await startServer(options);
export const port: number = server.udp;
export const asked: readonly QueryRecord[] = server.queries();
server.faults.add({ fault: 'drop', nth: 1 });
export const code: 'ADOTD_LISTEN' = ErrorCode.LISTEN;
export const isOurs = (error: unknown): error is AdotdError => error instanceof AdotdError;
export const placeOf = ({ file, line }: Diagnostic): string => `${file}:${line}`;

const client: Client = createClient({ profile: 'opportunistic' });
const { message, transport }: Resolution = await client.resolve({ server: '127.0.0.1', name: '.', type: 'NS' });
export const first: ResourceRecord | undefined = message.answers[0];
export const encrypted: boolean = transport === 'tls';

export const inVitest: UsedServer = useServer(vitest, options);
export const inNodeTest: UsedServer = useServer(nodeTest, options);
export const oneForEach: UsedServer = useServer({ before: vitest.beforeEach, after: vitest.afterEach });
export const shown: () => Promise<void> = showQueries(inVitest, () => inVitest().reload());

// @ts-expect-error: types are there, so mistakes are found.
startServer({ port: 'any' });
// @ts-expect-error: likewise.
server.faults.add({ fault: 'none' });
// @ts-expect-error: likewise.
createClient({ profile: 'none' });
// @ts-expect-error: likewise.
useServer({ before: 1 });
