/** Mistakes between keys of adotd.yaml that are far from each other: names that are not defined, and settings that exclude each other. */
import type * as z from 'zod/mini';
import { zoneKey } from '../protocol/name.js';
import { zoneKeyOfFile } from '../zone/filename.js';
import { listenersMistakes } from './listen-address.js';
import { nearest } from './nearest.js';
import { isPattern } from './policy-choice.js';
import { NAMESERVERS, type remotes } from './remotes.js';
import { type signals, wantsSignals } from './signals/signals.js';
import type { dnssec } from './signing/dnssec.js';
import { dnssecMistakes, isSigned } from './signing/dnssec-mistakes.js';
import type { state } from './state.js';
import type { transfer } from './transfer.js';
import type { tsig } from './tsig.js';
import type { zones } from './zones.js';

/** The keys that are looked at. */
interface Config {
  readonly listen: readonly string[];
  readonly port: number;
  readonly tls_port: number;
  readonly tls: { readonly enabled: boolean };
  readonly state?: z.output<typeof state>;
  readonly remotes: z.output<typeof remotes>;
  readonly transfer: z.output<typeof transfer>;
  readonly tsig: z.output<typeof tsig>;
  readonly zones: z.output<typeof zones>;
  readonly dnssec: z.output<typeof dnssec>;
  readonly signals: z.output<typeof signals>;
}

type Path = readonly (string | number)[];

/** The path of a value, and the expectation that it does not meet. */
interface CrossMistake {
  readonly path: Path;
  readonly message: string;
}

/** All mistakes of this kind. */
export function crossMistakes(config: Config): CrossMistake[] {
  return [
    ...remoteMistakes(config),
    ...keyMistakes(config),
    ...stateMistakes(config),
    ...roleMistakes(config),
    ...policyMistakes(config),
    ...dnssecMistakes(config),
    ...transferListenerMistakes(config),
  ];
}

type Policy = Config['zones']['policies'][number];

/** Calls `take` for each policy with its path, and gathers the results. */
function ofPolicies({ zones }: Config, take: (policy: Policy, path: Path) => readonly CrossMistake[]): CrossMistake[] {
  return zones.policies.flatMap((policy, index) => take(policy, ['zones', 'policies', index]));
}

interface RemoteUse {
  readonly name: string;
  readonly path: Path;
  /** It is asked, and so needs an address. */
  readonly isAsked: boolean;
}

/** Every place that names a remote. */
function remoteUses(config: Config): RemoteUse[] {
  const uses: RemoteUse[] = [];
  const take = (names: readonly string[], path: Path, isAsked: boolean): void =>
    names.forEach((name, index) => {
      uses.push({ name, path: [...path, index], isAsked });
    });
  config.zones.secondary.forEach(({ from }, index) => {
    take(from, ['zones', 'secondary', index, 'from'], true);
  });
  config.zones.catalogs.forEach(({ from }, index) => {
    take(from, ['zones', 'catalogs', index, 'from'], true);
  });
  config.zones.policies.forEach(({ transfer, notify, update }, index) => {
    const path = ['zones', 'policies', index];
    take(transfer?.to ?? [], [...path, 'transfer', 'to'], false);
    take(notify, [...path, 'notify'], true);
    update.forEach(({ remote }, at) => {
      if (remote !== undefined) uses.push({ name: remote, path: [...path, 'update', at, 'remote'], isAsked: false });
    });
  });
  for (const [name, { parent, multi_signer: signers }] of Object.entries(config.dnssec.policies)) {
    take(parent, ['dnssec', 'policies', name, 'parent'], true);
    take(signers, ['dnssec', 'policies', name, 'multi_signer'], true);
  }
  return uses.filter(({ name, path }) => name !== NAMESERVERS || !path.includes('notify'));
}

function remoteMistakes(config: Config): CrossMistake[] {
  const uses = remoteUses(config);
  if (uses.length === 0) return [];
  const remotes = new Map(config.remotes.map((remote) => [remote.name, remote]));
  return uses.flatMap(({ name, path, isAsked }): CrossMistake[] => {
    const remote = remotes.get(name);
    if (remote === undefined) return [{ path, message: expectedOneOf('remotes', name, [...remotes.keys()]) }];
    if (!isAsked || remote.addresses.length > 0) return [];
    return [{ path, message: 'expected a remote with addresses: this one is asked, not only asks' }];
  });
}

function expectedOneOf(key: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `expected the name of an entry of \`${key}\`${hint}`;
}

function keyMistakes(config: Config): CrossMistake[] {
  const keys = new Map(config.tsig.map(({ name }) => [zoneKey(name), name]));
  const check = (name: string | undefined, path: Path): CrossMistake[] =>
    name === undefined || keys.has(zoneKey(name))
      ? []
      : [{ path, message: expectedOneOf('tsig', name, [...keys.values()]) }];
  return [
    ...config.remotes.flatMap(({ key }, index) => check(key, ['remotes', index, 'key'])),
    ...ofPolicies(config, ({ update }, path) =>
      update.flatMap(({ key }, index) => check(key, [...path, 'update', index, 'key'])),
    ),
  ];
}

/** Keys that make the server remember something need a folder. */
function stateMistakes(config: Config): CrossMistake[] {
  if (config.state !== undefined) return [];
  const message = 'expected `state` as well: the server has to remember what it serves';
  const { secondary, catalogs } = config.zones;
  return [
    ...(secondary.length > 0 ? [{ path: ['zones', 'secondary'], message }] : []),
    ...(catalogs.length > 0 ? [{ path: ['zones', 'catalogs'], message }] : []),
    ...ofPolicies(config, ({ update, catalog, serial = 'keep', dnssec, signals }, path) => [
      ...(update.length > 0 ? [{ path: [...path, 'update'], message }] : []),
      ...(catalog !== undefined ? [{ path: [...path, 'catalog'], message }] : []),
      ...(isSigned({ dnssec }) ? [{ path: [...path, 'dnssec'], message }] : []),
      ...(wantsSignals(signals) ? [{ path: [...path, 'signals'], message }] : []),
      ...(serial !== 'keep' ? [{ path: [...path, 'serial'], message }] : []),
    ]),
  ];
}

/** A zone, and the place in the configuration that names its source. */
interface ZoneRole {
  readonly zone: string;
  readonly path: Path;
}

/** Each zone comes from one source. */
function roleMistakes(config: Config): CrossMistake[] {
  const { files, secondary, catalogs, policies } = config.zones;
  const given: readonly (ZoneRole & { readonly role: string })[] = [
    ...files.flatMap(({ name, file }, index) => {
      const zone = name === undefined ? zoneKeyOfFile(file) : zoneKey(name);
      const path = ['zones', 'files', index, name === undefined ? 'file' : 'name'];
      return zone === undefined ? [] : [{ zone, path, role: 'file' }];
    }),
    ...secondary.flatMap(({ zones }, index) =>
      zones.map((name, at) => ({
        zone: zoneKey(name),
        path: ['zones', 'secondary', index, 'zones', at],
        role: 'secondary',
      })),
    ),
    ...catalogs.map(({ zone }, index) => ({
      zone: zoneKey(zone),
      path: ['zones', 'catalogs', index, 'zone'],
      role: 'catalog',
    })),
  ];
  const known = new Map<string, string>();
  const mistakes = given.flatMap(({ zone, path, role }) => {
    const other = known.get(zone);
    known.set(zone, other ?? role);
    // Two files of one zone are reported with the zones.
    if (other === undefined || (other === 'file' && role === 'file')) return [];
    return [{ path, message: `expected each zone once: ${describeRole(other)} too` }];
  });
  const produced = policies.flatMap(({ catalog }, index): CrossMistake[] => {
    const role = catalog === undefined ? undefined : known.get(zoneKey(catalog));
    if (role === undefined) return [];
    const message = `expected a zone that the server makes: ${describeRole(role)}`;
    return [{ path: ['zones', 'policies', index, 'catalog'], message }];
  });
  return [...mistakes, ...produced];
}

function describeRole(role: string): string {
  if (role === 'file') return 'it is in `zones.files`';
  return role === 'secondary' ? 'it is in `zones.secondary`' : 'it is in `zones.catalogs`';
}

function policyMistakes(config: Config): CrossMistake[] {
  const { secondary, catalogs } = config.zones;
  const transferred = new Set(
    [...secondary.flatMap(({ zones }) => zones), ...catalogs.map(({ zone }) => zone)].map(zoneKey),
  );
  return ofPolicies(config, ({ zones, require, transfer, update, catalog, serial, signals }, path) => {
    const found: CrossMistake[] = [];
    const refuse = (keys: Path, message: string): void => void found.push({ path: [...path, ...keys], message });
    if (require === 'tls' && !config.tls.enabled)
      refuse(['require'], 'expected tls.enabled: true as well; without TLS these zones are never answered');
    if (transfer?.require === 'tls' && !config.tls.enabled)
      refuse(['transfer', 'require'], 'expected tls.enabled: true as well: there is no TLS');
    if (serial === 'keep' && update.length > 0)
      refuse(['serial'], 'expected increment, unixtime or date beside `update`: a changed zone needs a later serial');
    if (serial === 'keep' && wantsSignals(signals))
      refuse(['serial'], 'expected increment, unixtime or date beside `signals`: a changed zone needs a later serial');
    if (wantsSignals(signals) && config.signals.names.length === 0)
      refuse(['signals'], 'expected `signals.names` as well: the names of this server');
    zones.forEach((name, index) => {
      if (wantsSignals(signals) && !isPattern(name) && transferred.has(zoneKey(name)))
        refuse(['zones', index], 'expected no `signals` for a zone that comes from a primary: add them there');
      if (catalog !== undefined && zoneKey(name) === zoneKey(catalog))
        refuse(['catalog'], `expected another zone: ${name} would be a member of itself`);
      if (update.length > 0 && !isPattern(name) && transferred.has(zoneKey(name)))
        refuse(['zones', index], 'expected no `update` for a zone that comes from a primary: send UPDATE to that');
    });
    return found;
  });
}

function transferListenerMistakes({ transfer, listen, port, tls_port: tlsPort, tls }: Config): CrossMistake[] {
  if (!tls.enabled && transfer.listen.length > 0)
    return [{ path: ['tls', 'enabled'], message: 'expected true: the listeners of `transfer.listen` speak TLS' }];
  const others = listen.flatMap((address) => [
    { address, port, key: 'port' },
    { address, port: tlsPort, key: 'tls_port' },
  ]);
  return listenersMistakes(transfer.listen, others).map(({ index, message }) => ({
    path: ['transfer', 'listen', index, 'port'],
    message,
  }));
}
