/**
 * The server of a child that is signed tells the parent of new keys: NOTIFY(CDS) to where the DSYNC records of the parent point (RFC 9859 §4). Parent
 * and child are servers in a network namespace, since resolvers are asked at port 53; the child asks the parent as its resolver.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotd } from '../../support/cli.js';
import { readMessage } from '../../support/message-reader.js';
import { nameFromText } from '../../support/names.js';
import {
  COMMAND,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  openFolder,
  removeNamespace,
  type ServerInNamespace,
  serveIn,
  writeSettings,
} from '../namespace.js';
import { missingPrograms } from '../support.js';

const missing = missingPrograms({ dig: 'bind9-dnsutils' }) || missingForNamespaces();
const PARENT_ADDRESS = '127.0.0.1';
const CHILD_ADDRESS = '127.0.0.2';
const SCANNER_ADDRESS = '127.0.0.3';
const SCANNER_PORT = 5359;
const CHILD = 'child.above.test.';
const CDS = 59;
/** NOTIFY with AA (RFC 1996 §3.6). */
const NOTIFY = 0x2400;
const TIMES = { dnskey_ttl: 1, ds_ttl: 1, propagation: 0, parent_propagation: 0 };

const ABOVE = `$ORIGIN above.test.
@ 1 SOA ns h 1 60 30 60 1
@ 1 NS ns
ns 1 A ${PARENT_ADDRESS}
scanner 1 A ${SCANNER_ADDRESS}
child 1 NS ns.child
ns.child 1 A ${CHILD_ADDRESS}
; The first one is about other records.
*._dsync 1 DSYNC CSYNC NOTIFY ${SCANNER_PORT + 1} scanner
*._dsync 1 DSYNC CDS NOTIFY ${SCANNER_PORT} scanner
`;
const BELOW = `$ORIGIN ${CHILD}
@ 1 SOA ns h 1 60 30 60 1
@ 1 NS ns
ns 1 A ${CHILD_ADDRESS}
`;

describe.skipIf(missing)(`a parent with DSYNC records${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = openFolder();
  const socket = join(folder, 'ctl.sock');
  let namespace: Namespace;
  let scanner: ChildProcess;
  let lines: AsyncIterator<string>;
  let parent: ServerInNamespace;
  let child: ServerInNamespace;

  /** Starts a server on a zone. */
  function start(name: string, zone: string, text: string, settings: { listen: string[]; zones?: object }) {
    const own = join(folder, name);
    mkdirSync(own);
    writeFileSync(join(own, `${zone}zone`), text);
    const zones = { folder: own, ...settings.zones };
    const config = writeSettings(own, { workers: 1, tls: { enabled: false }, ...settings, zones });
    return serveIn(namespace, [...COMMAND, config]);
  }

  beforeAll(async () => {
    namespace = await makeNamespace();
    const program = fileURLToPath(new URL('notify-listener.mjs', import.meta.url));
    scanner = namespace.start([process.execPath, program, SCANNER_ADDRESS, String(SCANNER_PORT)]);
    scanner.stderr?.pipe(process.stderr);
    lines = createInterface({ input: scanner.stdout! })[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: 'listening' });
    parent = await start('parent', 'above.test.', ABOVE, { listen: [PARENT_ADDRESS] });
    const signing = {
      listen: [CHILD_ADDRESS],
      log: { level: 'debug' },
      control: { socket },
      state: { folder: join(folder, 'state') },
      resolver: [PARENT_ADDRESS],
      dnssec: { policies: { fast: TIMES } },
      zones: { policies: [{ zones: [CHILD], dnssec: 'fast' }] },
    };
    child = await start('child', CHILD, BELOW, signing);
  });
  afterAll(async () => {
    await child?.[Symbol.asyncDispose]();
    await parent?.[Symbol.asyncDispose]();
    if (scanner?.exitCode === null) {
      const gone = once(scanner, 'exit');
      scanner.kill();
      await gone;
    }
    if (namespace !== undefined) removeNamespace(namespace);
  });

  /** The DS records that the CDS records ask for: `tag algorithm digest-type digest`. */
  async function askedFor(): Promise<string[]> {
    const output = await namespace.demand('dig', '+short', `@${CHILD_ADDRESS}`, CHILD, 'CDS');
    return output.split('\n').filter((line) => line !== '');
  }

  /** Waits for the next message to the scanner, and returns what it is about. */
  async function nextNotify() {
    const { value } = await lines.next();
    const { bits, question, answer, authority } = readMessage(Buffer.from(String(value), 'hex'));
    return { bits, question, records: [...answer, ...authority] };
  }
  const about = { bits: NOTIFY, question: [{ name: nameFromText(CHILD), type: CDS, class: 1 }], records: [] };

  it('is told where they say when the first CDS records are there, and again when a roll asks for another DS record', async () => {
    expect(await nextNotify()).toEqual(about);
    const first = await askedFor();
    expect(first).toHaveLength(1);
    await child.logged(/has taken NOTIFY\(CDS\) of zone child\.above\.test\./);
    for (const words of [
      ['ds-seen', CHILD, first[0]!.split(' ')[0]!],
      ['roll', CHILD],
    ])
      expect(await adotd('ctl', '--socket', socket, 'dnssec', ...words)).toMatchObject({ status: 0 });
    let second = first;
    // The first message may have been sent twice, when the machine is slow.
    while (second.join() === first.join()) {
      expect(await nextNotify()).toEqual(about);
      second = await askedFor();
    }
    expect(second).toHaveLength(1);
  });
});
