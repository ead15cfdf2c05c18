/** Zone transfers of `adotd query`: records are printed as they come, in dig's layout. */

import { recordToText } from '../../client/exchange-text.js';
import type { ExchangeOptions } from '../../client/session/exchange.js';
import { transferZone, type ZoneTransfer } from '../../client/session/zone-transfer.js';
import type { Query, ResourceRecord } from '../../client/wire/message.js';
import { classToText, typeToText } from '../../client/wire/mnemonics.js';
import { counted } from '../../errors.js';
import { Type } from '../../protocol/iana.js';

type Form = 'text' | 'short' | 'json';

/** Whether a query asks for a zone. */
export function isTransfer({ type }: Query): boolean {
  return type === Type.AXFR || type === Type.IXFR;
}

/** Transfers the zone that is asked for, and prints it. Rejects with a ClientError. */
export async function printTransfer(query: Query, options: ExchangeOptions, form: Form): Promise<void> {
  const { server, timeoutMs, tls, upgrade } = options;
  const collected: ResourceRecord[] = [];
  const lineOf = form === 'short' ? ({ data }: ResourceRecord) => data : recordToText;
  const began = new Date();
  const done = await transferZone({
    server,
    // A zone needs a stream (RFC 5936 §4.2).
    transport: options.transport === 'udp' ? 'tcp' : options.transport,
    name: query.name,
    ...(query.serial !== undefined && { serial: query.serial }),
    edns: query.edns ?? false,
    ...(query.tsig && { tsig: query.tsig }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(tls && { tls }),
    ...(upgrade?.withoutOffer !== undefined && { upgrade: { withoutOffer: upgrade.withoutOffer } }),
    records(records) {
      if (form === 'json') collected.push(...records);
      else process.stdout.write(records.map((record) => `${lineOf(record)}\n`).join(''));
    },
  });
  if (form === 'json') process.stdout.write(`${JSON.stringify(transferToJson(done, collected), undefined, 2)}\n`);
  else if (form === 'text') process.stdout.write(`${transferToText(done, began)}\n`);
}

const FORMS = { axfr: 'whole zone', ixfr: 'differences', current: 'no newer version' } as const;

/** The lines below the records. */
function transferToText(done: ZoneTransfer, began: Date): string {
  const { server, tls, form, serial, records, messages, octets, milliseconds } = done;
  const at = server.address.includes(':') ? `[${server.address}]` : server.address;
  const transport = tls === undefined ? '(TCP) (not encrypted)' : `(TLS, ${tls.version}, ${tls.alpn ?? 'no ALPN'})`;
  return [
    `;; SERVER: ${at}#${server.port} ${transport}`,
    `;; TIME: ${milliseconds.toFixed(1)} ms`,
    `;; WHEN: ${began.toISOString()}`,
    `;; XFR: ${FORMS[form]}, serial ${serial}`,
    `;; XFR size: ${counted(records, 'record')} (messages ${messages}, bytes ${octets})`,
  ].join('\n');
}

function transferToJson(done: ZoneTransfer, records: readonly ResourceRecord[]): object {
  const { messages, octets, milliseconds, server, tls, form, serial } = done;
  const list = records.map(({ name, ttl, class: rclass, type, data }) => ({
    name,
    ttl,
    class: classToText(rclass),
    type: typeToText(type),
    data,
  }));
  return {
    form,
    serial,
    server,
    tls,
    size: { records: records.length, messages, octets },
    milliseconds,
    records: list,
  };
}
