/** Each case through respond() alone, without sockets. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { policiesOf } from '../../src/server/policies.js';
import { type Engine, engineOf, NOW, settingsOf } from '../support/engine.js';
import { queryOf } from './case.js';
import { allCases, zoneFile } from './files.js';
import { judge } from './judge.js';

for (const { title, origin, zones, failed, config, cases } of allCases()) {
  describe(title, () => {
    let engine: Engine;
    beforeAll(() => {
      const texts = zones.map((zone) => ({
        file: zone,
        text: readFileSync(zoneFile(zone), 'latin1'),
        failed: failed.includes(zone),
      }));
      engine = engineOf(texts, settingsOf(config), policiesOf(configSchema.parse(config)));
    });

    it.each(cases)('$name ($clause)', (which) => {
      const query = queryOf(which.query, origin, NOW);
      for (const transport of which.over ?? (['udp', 'tcp'] as const)) {
        const response = engine.ask(query, transport);
        expect(judge(which, transport, origin, query, response), `${which.query} as ${transport}`).toEqual([]);
      }
    });
  });
}
