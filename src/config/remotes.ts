/** The keys of adotd.yaml for other nameservers: primaries, secondaries, and clients that send NOTIFY or UPDATE. */
import { isIP, isIPv6 } from 'node:net';
import * as z from 'zod/mini';
import { DOT_PORT } from '../protocol/iana.js';
import { domainName, isDomainName } from './domain-name.js';
import { limit } from './limit.js';
import { address } from './listen-address.js';

/** Stands for the nameservers of a zone in `zones.policies[].notify`: no remote can be called this. */
export const NAMESERVERS = 'ns';

/** Octets of SHA-256. */
const PIN_OCTETS = 32;

const pin = z.string().check(
  z.refine(
    (text) => {
      const octets = Buffer.from(text, 'base64');
      return octets.length === PIN_OCTETS && octets.toString('base64') === text;
    },
    { error: 'expected the base64 of a SHA-256 hash, as adotd keys prints it' },
  ),
);

const file = z.string().check(z.minLength(1));

/** A name that a host can have (RFC 1123 §2.1), with the underscore, which some have. Not a number: that is a broken address. */
const HOST_NAME = /^(?![0-9.]+$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;
/** An address or a name with a port behind it, as other servers write it: `192.0.2.1@853`, `[2001:db8::1]:853`, `ns1.example:53`. */
const WITH_PORT = /@[0-9]+(?:#.*)?$|^\[.*\]:[0-9]+$|^[^:]+:[0-9]+$/;
const PREFIX = /\/[0-9]+$/;

/** An address, or a name that has addresses. */
const host = z.string().check(
  z.refine((text) => !WITH_PORT.test(text), {
    error: 'expected the address without its port: that is `port`, and `tls.port` for DNS over TLS',
    abort: true,
  }),
  z.refine((text) => !PREFIX.test(text), {
    error: 'expected one address, not a prefix: list each address, or leave `addresses` out and give `key` or `tls`',
    abort: true,
  }),
  z.refine((text) => familyOf(text) !== 0 || (HOST_NAME.test(text) && isDomainName(text)), {
    error: 'expected an IPv4 or IPv6 address, or the name of a host',
  }),
);

const remoteTls = z
  .strictObject({
    pins: z._default(z.array(pin).check(z.maxLength(16)), []).register(z.globalRegistry, {
      description:
        'Public keys of which its certificate must have one: the base64 of the SHA-256 hash of the SubjectPublicKeyInfo. Neither names nor dates count then.',
    }),
    ca: z.optional(file).register(z.globalRegistry, {
      description:
        'PEM file with the authorities that may have signed its certificate. Default: those of the system. Relative to this file.',
    }),
    name: z.optional(domainName).register(z.globalRegistry, {
      description: 'The name that its certificate must have.',
    }),
    cert: z.optional(file).register(z.globalRegistry, {
      description: 'PEM file: the certificate that this server shows to it (mutual TLS). Relative to this file.',
    }),
    key_file: z.optional(file).register(z.globalRegistry, {
      description: 'PEM file: the private key of `cert`. Relative to this file.',
    }),
    port: limit('port', 1, 65_535, DOT_PORT, 'Its port for DNS over TLS.'),
    alpn: z._default(z.enum(['required', 'optional']), 'required').register(z.globalRegistry, {
      description:
        'Whether it must choose the ALPN protocol `dot`, as RFC 9103 §8.1 says. `optional`: for NSD 4.6, which chooses none.',
    }),
  })
  .check(
    z.superRefine(({ pins, ca, name, cert, key_file: key }, context) => {
      if (pins.length === 0 && name === undefined) {
        const message = `expected pins, or ${ca === undefined ? '' : 'beside ca '}the name that its certificate has; without them it can be anybody`;
        context.addIssue({ code: 'custom', message });
      }
      if ((cert === undefined) !== (key === undefined)) {
        const [path, other] = cert === undefined ? ['key_file', 'cert'] : ['cert', 'key_file'];
        context.addIssue({ code: 'custom', path: [path], message: `expected ${other} as well` });
      }
    }),
  );

const remote = z
  .strictObject({
    name: z
      .string()
      .check(
        z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
          error: 'expected at most 63 letters, digits, dots, hyphens and underscores',
        }),
        z.refine((text) => text !== NAMESERVERS, { error: 'expected another name: ns stands for the NS records' }),
      )
      .register(z.globalRegistry, { description: 'What the other keys call it.' }),
    addresses: z._default(z.array(host).check(z.maxLength(64)), []).register(z.globalRegistry, {
      description:
        'Its addresses, or names of hosts (see `resolver`): they are looked up each time something is sent there, and for requests at the start, at a reload and when their TTL ends. A request is from this remote only if it comes from one of its addresses; without any, from anywhere. Nobody is a remote whose name has no address.',
    }),
    port: limit('port', 1, 65_535, 53, 'Its port for UDP and TCP.'),
    source: z._default(z.array(address).check(z.maxLength(2)), []).register(z.globalRegistry, {
      description:
        'Addresses of this server to ask it from: one IPv4 address, one IPv6 address, or both. Each kind among `addresses` needs one. A name of a host that has addresses of the other kind is asked there from any address.',
    }),
    key: z.optional(domainName).register(z.globalRegistry, {
      description:
        'Name of the key, one of `tsig`, that messages to it are signed with. A request is from this remote only if it is signed with the key.',
    }),
    tls: z.optional(remoteTls).register(z.globalRegistry, {
      description:
        'Transfers to and from it go inside TLS (RFC 9103). A request on `transfer.listen` is from this remote only if its certificate meets this.',
    }),
  })
  .check(
    z.superRefine(({ addresses, key, tls, source }, context) => {
      if (addresses.length === 0 && key === undefined && tls === undefined) {
        const message = 'expected addresses, key or tls; without them it can be anybody';
        context.addIssue({ code: 'custom', message });
      }
      if (source.length === 2 && source.filter((text) => isIPv6(text)).length !== 1) {
        const message = 'expected one IPv4 and one IPv6 address';
        context.addIssue({ code: 'custom', path: ['source'], message });
      }
      // Names of hosts may have addresses of both families.
      const literal = addresses.filter((text) => familyOf(text) !== 0);
      const without = literal.find((text) => !source.some((own) => familyOf(own) === familyOf(text)));
      if (source.length > 0 && without !== undefined) {
        const family = `IPv${familyOf(without)}`;
        const message = `expected an ${family} address as well: without one, ${without} would be asked from any address; or list it in a remote of its own`;
        context.addIssue({ code: 'custom', path: ['source'], message });
      }
    }),
  );

/** 4 or 6; 0: no address. */
function familyOf(text: string): number {
  return isIP(text.replace(/%.*$/, ''));
}

/** Other nameservers; each name once. */
export const remotes = z
  ._default(
    z.array(remote).check(
      z.maxLength(10_000),
      z.superRefine((all, context) => {
        const seen = new Set<string>();
        for (const [index, { name }] of all.entries()) {
          if (seen.has(name))
            context.addIssue({ code: 'custom', path: [index, 'name'], message: 'expected each name once' });
          seen.add(name);
        }
      }),
    ),
    [],
  )
  .register(z.globalRegistry, {
    description:
      'Other nameservers, and clients that send UPDATE. All that an entry gives of addresses, key and certificate has to match.',
  });

/** Resolvers for the names of remotes. */
export const resolver = z._default(z.array(address).check(z.maxLength(8)), []).register(z.globalRegistry, {
  description:
    'Addresses of the resolvers that look up names of remotes and of nameservers to notify, and DS records of zones that are signed here without `parent`. Default: those of /etc/resolv.conf.',
});
