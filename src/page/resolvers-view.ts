/** How many clients there are, by transport: those of the last minutes, and those of each day that was recorded. */
import type { RecordedWindow, RunningOverview } from './contract.js';
import { setText } from './dom.js';
import { countText } from './format.js';
import { tableView } from './table.js';

const HEADS = [
  { head: 'Time', kind: 'text' },
  { head: 'UDP' },
  { head: 'TCP' },
  { head: 'STARTTLS' },
  { head: 'TLS' },
  { head: 'Any' },
  { head: 'Inside TLS' },
] as const;

const NAMES = ['udp', 'tcp', 'starttls', 'tls'];

interface ResolversView {
  /** `window`: undefined: live. */
  show(overview: RunningOverview, window: RecordedWindow | undefined): void;
}

export function resolversView(note: HTMLElement, place: HTMLElement): ResolversView {
  const table = tableView(place, 'Clients by transport', HEADS, '');
  return {
    show({ clients }, window) {
      const counts = (of: Readonly<Record<string, number>>): string[] => NAMES.map((name) => countText(of[name] ?? 0));
      const days = [...(window?.clients ?? [])].reverse();
      table.update([
        { cells: ['the last 10 to 20 min', ...counts(clients), '–', '–'] },
        ...days.map(({ day, clients: of, all, inside }) => ({
          cells: [`${day} (UTC)`, ...counts(of), countText(all), countText(inside)],
        })),
      ]);
      const hint = window === undefined ? ' Choose hour, day or week for whole days.' : '';
      setText(
        note,
        `Clients by address, or IPv6 network of 56 bits; estimates within some percent. Over UDP, addresses can be forged.${hint}`,
      );
    },
  };
}
