import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { addressOf } from '../../../src/native/memory.js';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import { TlsRead } from '../../../src/tls/openssl/turn.js';
import { RawClient, RawClients } from './raw-client.js';
import { settingsWith } from './support.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const RECORDS = 50;
/** Rounds that leave nothing. */
const CLEAN = 6;
const TURNS = 200;

it('a record leaves nothing on the heap: it is opened, answered and sent', () => {
  const engine = createTlsEngine(settingsWith()) as TlsEngine;
  const handle = engine.open();
  const octets = new Uint8Array(new SharedArrayBuffer(32_768));
  const address = addressOf(octets, octets);
  const answer = new Uint8Array(new SharedArrayBuffer(128));
  const answerAddress = addressOf(answer, answer);
  const client = new RawClient(new RawClients('TLSv1.3'));

  const turn = (length: number, take: () => void): number => {
    let records = 0;
    engine.begin(handle, address, length);
    for (let found = 1; found > 0 || found === TlsRead.SECURED; ) {
      found = engine.read(handle);
      if (found <= 0) continue;
      records++;
      engine.write(handle, answerAddress, 120);
    }
    take();
    engine.finish(handle);
    return records;
  };
  const drop = (): void => {
    while (engine.output(handle) > 0);
  };
  const pass = (): void => {
    const part = client.take();
    octets.set(part);
    turn(part.length, () => {
      for (let taken = 0; (taken = engine.output(handle)) > 0; ) {
        client.give(Buffer.from(engine.outgoing.subarray(0, taken)));
      }
    });
  };
  while (!client.handshake()) pass();
  pass();

  // While V8 still compiles the code, it allocates: how many rounds that takes depends on the machine.
  let clean = 0;
  const left: number[] = [];
  for (let round = 0; round < 50 && clean < CLEAN; round++) {
    const parts = Array.from({ length: TURNS }, () => {
      for (let i = 0; i < RECORDS; i++) client.write(Buffer.alloc(60));
      return client.take();
    });
    collect();
    const before = process.memoryUsage().heapUsed;
    let records = 0;
    for (let i = 0; i < parts.length; i++) {
      octets.set(parts[i]!);
      records += turn(parts[i]!.length, drop);
    }
    const each = (process.memoryUsage().heapUsed - before) / records;
    // An address that is made anew for each record would be 16 octets.
    if (each <= 4) clean++;
    left.push(each);
    expect(records).toBe(RECORDS * TURNS);
  }
  engine.close();
  expect(clean, left.join(' ')).toBe(CLEAN);
});
