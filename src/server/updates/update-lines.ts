/** The text of the log about an UPDATE. */

import { counted } from '../../errors.js';
import type { Changes } from '../../image/changes/zone-view.js';
import { nameToText } from '../../protocol/name.js';
import { addressText } from '../../session/describe.js';
import type { Peer } from '../../transfer/peer.js';
import { RunCursor } from '../../zone/changes/record-run.js';

/** Records that a line names. A guess: those of an ACME client, and of a host with all its addresses. */
const NAMED = 8;

/** `127.0.0.1:4711 with key acme.`, and the same as fields. */
export function clientOf({ address, port, key }: Peer): { text: string; fields: object } {
  const client = `${addressText(address)}:${port}`;
  const name = key && nameToText(key.name);
  const text = name === undefined ? client : `${client} with key ${name}`;
  return { text, fields: { client, ...(name !== undefined && { key: name }) } };
}

/** `2 records added, 1 removed: + www.example. A, …`. */
export function changesText(changes: Changes): { text: string; fields: object } {
  const [added, removed] = [describe(changes.added), describe(changes.removed)];
  const records = [...added.map((text) => `+ ${text}`), ...removed.map((text) => `- ${text}`)];
  if (changes.soa !== undefined) records.push('SOA');
  const shown = [...new Set(records)];
  const more = shown.length > NAMED ? `, and ${shown.length - NAMED} more` : '';
  const what = `${counted(added.length, 'record')} added, ${removed.length} removed`;
  const text = `${what}: ${shown.slice(0, NAMED).join(', ')}${more}`;
  return { text, fields: { added: added.length, removed: removed.length } };
}

function describe(run: Uint8Array): string[] {
  const texts: string[] = [];
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) texts.push(cursor.describe());
  return texts;
}
