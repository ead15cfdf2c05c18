/** Policies of server and zones, as the configuration has them. */

import { zoneKey } from '../config/access.js';
import type { Config } from '../config/schema.js';
import { compileAccess } from '../image/access.js';
import type { Policies, ZonePolicy } from '../image/policy.js';
import { prefixFromText } from '../protocol/prefix.js';
import type { Diagnostic } from '../zone/diagnostics.js';

type AccessConfig = Config['access'];

/** Policies by zone, and the server's access list. */
export function policiesOf(config: Pick<Config, 'access' | 'zones'>): Policies {
  const zones = new Map<string, ZonePolicy>();
  for (const { zones: names, require, access = {} } of config.zones.policies) {
    const policy: ZonePolicy = { tlsOnly: require === 'tls', access: accessTable(access) };
    for (const name of names) zones.set(zoneKey(name), policy);
  }
  return { access: accessTable(config.access), zones };
}

/** undefined when nobody is named: then everybody may ask. */
function accessTable({ allow = [], deny = [] }: AccessConfig): Int32Array | undefined {
  if (allow.length + deny.length === 0) return undefined;
  return compileAccess(allow.map(prefixFromText), deny.map(prefixFromText));
}

/**
 * An error for each policy of a zone that is not served (`served`: names as in Policies): its name is mistyped, and the zone
 * that was meant is answered to everybody and over everything.
 */
export function unservedPolicies({ zones }: Policies, served: ReadonlySet<string>): Diagnostic[] {
  return [...zones.keys()].flatMap((name) => {
    if (served.has(name)) return [];
    const message = `found a policy for ${name}, expected the name of a zone that is served`;
    return { severity: 'error', file: 'zones.policies', line: 1, column: 1, message };
  });
}
