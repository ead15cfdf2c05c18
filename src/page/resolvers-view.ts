/** How many clients there are, by transport: those of the last minutes, and those of each day that was recorded. */
import type { RecordedWindow, RunningOverview } from './contract.js';
import { setText } from './dom.js';
import { label } from './figure-rows.js';
import { countText, shortTimeText } from './format.js';
import { type Row, tableView } from './table.js';

const HEADS = [
  { head: 'Time', kind: 'text' },
  { head: 'UDP' },
  { head: 'TCP' },
  { head: 'STARTTLS' },
  { head: 'TLS' },
  { head: 'Any' },
  { head: 'Inside TLS' },
] as const;

const MOVE_HEADS = [
  { head: 'Asked over', kind: 'text' },
  { head: 'then over', kind: 'text' },
  { head: 'Times' },
  { head: 'Clients', title: 'Clients that did so on a day' },
] as const;
const AFTER_HEADS = [
  { head: 'Handshake ended', kind: 'text' },
  { head: 'Handshakes' },
  { head: 'Asked in the clear' },
  { head: 'Came back' },
  { head: 'After, on average' },
  { head: 'Not back yet' },
] as const;

type Following = RunningOverview['figures']['following'];

const NAMES = ['udp', 'tcp', 'starttls', 'tls'];

interface ResolversView {
  /** `window`: undefined: live. */
  show(overview: RunningOverview, window: RecordedWindow | undefined): void;
}

export function resolversView(note: HTMLElement, place: HTMLElement): ResolversView {
  const table = tableView(place, 'Clients by transport', HEADS, '');
  const moves = tableView(
    place,
    'Clients that moved from one transport to another',
    MOVE_HEADS,
    'Nobody has moved from one transport to another.',
  );
  const after = tableView(place, 'What clients do after a handshake', AFTER_HEADS, '');
  return {
    show({ clients, figures }, window) {
      const { following } = window?.figures ?? figures;
      moves.update(moveRows(following));
      after.update(afterRows(following));
      const counts = (of: Readonly<Record<string, number>>): string[] => NAMES.map((name) => countText(of[name] ?? 0));
      const days = [...(window?.clients ?? [])].reverse();
      table.update([
        { cells: ['the last 10 to 20 min', ...counts(clients), '–', '–'] },
        ...days.map(({ day, clients: of, all, inside }) => ({
          cells: [`${day} (UTC)`, ...counts(of), countText(all), countText(inside)],
        })),
      ]);
      const { tried_tls: tried, completed_tls: complete, came_back_to_tls: back } = following;
      const tls =
        tried === 0
          ? ''
          : ` ${countText(tried)} tried TLS, ${countText(complete)} of them got through, ${countText(back)} came back to it.`;
      const hint = window === undefined ? ' Choose hour, day or week for whole days.' : '';
      setText(
        note,
        `Clients by address, or IPv6 network of 56 bits; estimates within some percent. Over UDP, addresses can be forged.${tls}${hint}`,
      );
    },
  };
}

function moveRows({ moves }: Following): Row[] {
  const rows = [...moves].sort((one, other) => other.times - one.times);
  return rows.map(({ from, to, times, clients }) => ({
    swatch: from,
    cells: [label(from), label(to), countText(times), countText(clients)],
  }));
}

function afterRows({ after_handshakes: after }: Following): Row[] {
  return Object.entries(after).map(
    ([end, { handshakes, asked_in_clear, came_back, mean_seconds_away: mean, away }]) => ({
      cells: [
        end.replaceAll('_', ' '),
        countText(handshakes),
        countText(asked_in_clear),
        countText(came_back),
        shortTimeText(mean),
        countText(away),
      ],
    }),
  );
}
