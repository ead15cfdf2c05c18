/** TLS whose clients have to show a certificate: the settings of one listener for them. */
import { hkdfSync } from 'node:crypto';
import { TICKET_KEY_OCTETS } from './ticket-keys.js';
import type { TlsSettings } from './tls-context.js';

/**
 * The settings of others with `clientCa`, authorities in PEM, for a listener of this name. Its ticket keys are its own, made from theirs:
 * a session that was begun without a certificate cannot be resumed there.
 */
export function mutualTls(settings: TlsSettings, clientCa: string, name: string): TlsSettings {
  const ticketKey = new Uint8Array(hkdfSync('sha256', settings.ticketKey, '', `clients of ${name}`, TICKET_KEY_OCTETS));
  return { ...settings, clientCa, ticketKey, previousTicketKey: undefined };
}
