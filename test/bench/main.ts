/**
 * npm run bench -- load [--records N]     loading a zone of N records (default 1,000,000), beside the peers' checkers
 * npm run bench -- respond [--queries N]  respond() alone, by kind of answer, unsigned and signed
 * npm run bench -- sessions [--turns N] [--idle N]   stream sessions, beside NSD and BIND: CPU and memory
 *
 * Prints tables; asserts nothing. Peers that are not installed are left out, and named.
 */
import { parseArgs } from 'node:util';
import { benchLoad } from './load.js';
import { benchRespond } from './respond.js';
import { benchSessions } from './sessions.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '1000000' },
    zones: { type: 'string', default: '10000' },
    queries: { type: 'string', default: '1000000' },
    turns: { type: 'string', default: '5' },
    idle: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '1500' },
    seconds: { type: 'string', default: '3' },
    profile: { type: 'boolean', default: false },
  },
});

switch (positionals[0]) {
  case 'load':
    await benchLoad(Number(values.records), Number(values.zones), Number(values.turns));
    break;
  case 'respond':
    await benchRespond(Number(values.queries));
    break;
  case 'sessions':
    await benchSessions({
      turns: Number(values.turns),
      idle: Number(values.idle),
      connections: Number(values.connections),
      seconds: Number(values.seconds),
      profile: values.profile,
    });
    break;
  default:
    console.error(
      'usage: npm run bench -- load [--records N] [--zones N] [--turns N] | respond [--queries N] | sessions [--turns N] [--idle N]',
    );
    process.exitCode = 2;
}
