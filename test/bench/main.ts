/**
 * npm run bench -- load [--records N]     loading a zone of N records (default 1,000,000), beside the peers' checkers
 * npm run bench -- respond [--queries N]  respond() alone, by kind of answer, unsigned and signed
 *
 * Prints tables; asserts nothing. Peers that are not installed are left out, and named.
 */
import { parseArgs } from 'node:util';
import { benchLoad } from './load.js';
import { benchRespond } from './respond.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '1000000' },
    zones: { type: 'string', default: '10000' },
    queries: { type: 'string', default: '1000000' },
    turns: { type: 'string', default: '5' },
  },
});

switch (positionals[0]) {
  case 'load':
    await benchLoad(Number(values.records), Number(values.zones), Number(values.turns));
    break;
  case 'respond':
    await benchRespond(Number(values.queries));
    break;
  default:
    console.error('usage: npm run bench -- load [--records N] [--zones N] [--turns N] | respond [--queries N]');
    process.exitCode = 2;
}
