/**
 * npm run bench -- load [--records N]     loading a zone of N records (default 1,000,000), beside the peers' checkers
 * npm run bench -- respond [--queries N]  respond() alone, by kind of answer, unsigned and signed
 * npm run bench -- evidence [--turns N] [--seconds S] [--quick]   cost of what `adotd report` shows, a query of UDP and of TLS
 * npm run bench -- fixture [--turns N]    starting and stopping a server for tests
 * npm run bench -- start [--turns N]     starting commands, and importing the package
 * npm run bench -- policy [--queries N]   cost of access lists and of the rate limit
 * npm run bench -- sessions [--turns N] [--idle N]   stream sessions, beside NSD and BIND: CPU and memory
 * npm run bench -- peers [--turns N] [--seconds S] [--servers adotd,NSD] [--only udp,tcp,…] [--quick] [--write]
 *     every transport beside NSD, Knot, BIND and PowerDNS; --write puts the page into docs/. Parts for --only: transports, ids of loads
 *     (udp-1k, tls-single …), paced, mixed, reload, idle, sizes, many, million
 * npm run bench -- batches               cost of batches of datagrams by size and part
 * npm run bench -- loops [--turns N] [--seconds S] [--servers a,d,NSD]   ways in which a UDP worker can wait
 * npm run bench -- verify [--names N] [--turns N]   verifying a signed zone of N names (default 100,000), beside the peers' verifiers
 * npm run bench -- sign [--names N] [--turns N]   signing a zone of N names and 1,000 delegations, beside the peers' signers
 * npm run bench -- changes [--records N] [--turns N] [--zones N]   applying one change to zones of 100, 10,000, 100,000 and N records, alone
 *     and in a running server; there also beside N other zones (default 10,000)
 * npm run bench -- zones [--turns N] [--seconds S] [--records N] [--zones N] [--names N] [--only transfers,changes,updates,secondaries,signing]
 *     the life of zones, beside BIND, Knot and NSD: a zone of N records transferred out and in, changes, durable UPDATEs, N secondary zones,
 *     signing
 * npm run bench -- watch [--zones N] [--turns N]   watching N zone files (default 10,000)
 *
 * Prints tables; asserts nothing. Peers that are not installed are left out, and named.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { benchChanges, benchKept } from './changes.js';
import { benchEvidence } from './evidence.js';
import { benchFixture } from './fixture.js';
import { benchLoad } from './load.js';
import { benchPeers } from './peers.js';
import { benchPolicy } from './policy.js';
import { benchRespond } from './respond.js';
import { benchSessions } from './sessions.js';
import { benchSign } from './sign.js';
import { benchStart } from './start.js';
import { benchBatches } from './udp-batches.js';
import { benchLoops } from './udp-loops.js';
import { benchVerify } from './verify.js';
import { benchWatch } from './watch.js';
import { benchZones } from './zones.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '1000000' },
    zones: { type: 'string', default: '10000' },
    names: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '1000000' },
    turns: { type: 'string' },
    idle: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '1500' },
    seconds: { type: 'string' },
    profile: { type: 'boolean', default: false },
    servers: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const turns = Number(values.turns ?? 5);

switch (positionals[0]) {
  case 'load':
    await benchLoad(Number(values.records), Number(values.zones), turns);
    break;
  case 'sign':
    await benchSign(Number(values.names), turns, availableParallelism());
    break;
  case 'changes':
    await benchChanges([100, 10_000, 100_000, Number(values.records)], turns);
    await benchKept([100, 10_000, 100_000, Number(values.records)], Number(values.zones), Math.min(turns, 3));
    break;
  case 'respond':
    await benchRespond(Number(values.queries));
    break;
  case 'evidence':
    await benchEvidence({ turns, seconds: Number(values.seconds ?? 2), quick: values.quick });
    break;
  case 'fixture':
    await benchFixture(turns);
    break;
  case 'start':
    await benchStart(turns);
    break;
  case 'policy':
    benchPolicy(Math.min(Number(values.queries), 200_000));
    break;
  case 'sessions':
    await benchSessions({
      turns,
      idle: Number(values.idle),
      connections: Number(values.connections),
      seconds: Number(values.seconds ?? 3),
      profile: values.profile,
    });
    break;
  case 'batches':
    benchBatches(Math.min(Number(values.queries), 100_000));
    break;
  case 'loops':
    await benchLoops({
      turns,
      seconds: Number(values.seconds ?? 1),
      ...(values.servers === undefined ? {} : { contestants: values.servers.split(',') }),
    });
    break;
  case 'verify':
    await benchVerify(Number(values.names), turns);
    break;
  case 'zones':
    await benchZones({
      turns,
      seconds: Number(values.seconds ?? 5),
      zones: Number(values.zones),
      records: Number(values.records),
      names: Number(values.names),
      only: values.only?.split(','),
    });
    break;
  case 'watch':
    benchWatch(Number(values.zones), turns);
    break;
  case 'peers':
    await benchPeers({
      turns: values.quick && values.turns === undefined ? 1 : turns,
      seconds: Number(values.seconds ?? (values.quick ? 0.3 : 0.7)),
      servers: values.servers?.split(','),
      only: values.only?.split(','),
      quick: values.quick,
      write: values.write,
      words: process.argv.slice(3),
    });
    break;
  default:
    console.error(
      'usage: npm run bench -- load | respond | evidence | fixture | start | policy | sessions | batches | loops | verify | watch | zones | peers [OPTION...]; options: test/bench/main.ts',
    );
    process.exitCode = 2;
}
