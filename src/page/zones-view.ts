/** The table of zones: a part of it at a time, looked at again every few seconds while it is in view. */
import { ZONES_A_PAGE, type ZoneOrder, type ZonePage, type ZoneRow } from './contract.js';
import { create, setText } from './dom.js';
import { countText, durationText, octetsText } from './format.js';
import { type Row, tableView } from './table.js';

/** Milliseconds between two looks, and after a key until the filter counts. */
const REFRESH = 5000;
const SETTLE = 250;
/** Seconds before signatures end at which their time is marked: a week. */
const SOON = 604_800;

const ORDERS: Readonly<Record<ZoneOrder, string>> = {
  name: 'name',
  state: 'state, failed first',
  records: 'records, most first',
  signatures: 'end of signatures',
};

const HEADS = [
  { head: 'Zone', kind: 'long' },
  { head: 'State', kind: 'text' },
  { head: 'Serial' },
  { head: 'Records' },
  { head: 'Size' },
  { head: 'Signatures end' },
  { head: 'From', kind: 'text' },
  { head: 'Transfers, signing, mistakes', kind: 'long' },
] as const;

export function showZones(place: HTMLElement): void {
  const filter = create('input', {
    type: 'search',
    'aria-label': 'Part of a name',
    placeholder: 'part of a name',
    maxlength: '255',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const order = create(
    'select',
    {},
    ...Object.entries(ORDERS).map(([value, text]) => create('option', { value }, text)),
  );
  const before = create('button', { type: 'button' }, 'Back');
  const after = create('button', { type: 'button' }, 'On');
  const count = create('span', { class: 'note', role: 'status' });
  const age = create('span', { class: 'note' });
  const tools = create('div', { class: 'tools' }, filter, create('label', {}, 'by ', order), before, after, count, age);
  const wide = create('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Table of zones' });
  place.append(tools, wide);
  const table = tableView(wide, 'Zones', HEADS, 'No zones.');
  let first = 0;
  /** Of the last answer; undefined: there is none. */
  let shown: ZonePage | undefined;
  let asked = 0;

  const look = async (): Promise<void> => {
    const number = ++asked;
    const query = new URLSearchParams({ filter: filter.value, order: order.value, first: String(first) });
    const page = await ask(query);
    // A later question was asked meanwhile: its answer counts.
    if (number !== asked) return;
    if (page === undefined) {
      setText(age, shown === undefined ? 'cannot be read now' : `cannot be read now; as of ${timeText(shown.at)}`);
      return;
    }
    shown = page;
    first = page.first;
    table.update(page.rows.map((row) => rowOf(row, page.at / 1000)));
    const last = page.first + page.rows.length;
    const range = page.matching > ZONES_A_PAGE ? `${countText(page.first + 1)} to ${countText(last)} of ` : '';
    const all = page.matching === page.all ? '' : ` of ${countText(page.all)}`;
    setText(count, `${range}${countText(page.matching)}${all} ${page.all === 1 ? 'zone' : 'zones'}`);
    setText(age, `as of ${timeText(page.at)}`);
    before.disabled = page.first === 0;
    after.disabled = last >= page.matching;
  };
  const go = (to: number): void => {
    first = Math.max(0, to);
    void look();
  };
  let settle: ReturnType<typeof setTimeout> | undefined;
  filter.addEventListener('input', () => {
    clearTimeout(settle);
    settle = setTimeout(() => go(0), SETTLE);
  });
  order.addEventListener('change', () => go(0));
  before.addEventListener('click', () => go(first - ZONES_A_PAGE));
  after.addEventListener('click', () => go(first + ZONES_A_PAGE));
  let isInView = false;
  new IntersectionObserver((entries) => {
    isInView = entries.some(({ isIntersecting }) => isIntersecting);
    if (isInView) void look();
  }).observe(place);
  setInterval(() => {
    if (isInView && !document.hidden) void look();
  }, REFRESH);
  void look();
}

async function ask(query: URLSearchParams): Promise<ZonePage | undefined> {
  try {
    const response = await fetch(`page/zones?${query}`);
    return response.ok ? ((await response.json()) as ZonePage) : undefined;
  } catch {
    return undefined;
  }
}

function rowOf({ name, state, serial, records, octets, signaturesExpire, role, note }: ZoneRow, now: number): Row {
  const left = signaturesExpire === null ? undefined : signaturesExpire - now;
  return {
    cells: [
      name,
      { text: state, look: state === 'failed' ? 'bad' : state === 'kept' ? 'doubtful' : '' },
      serial === null ? '–' : String(serial),
      countText(records),
      octetsText(octets),
      left === undefined
        ? '–'
        : left <= 0
          ? { text: 'EXPIRED', look: 'bad' }
          : { text: `in ${durationText(left)}`, look: left < SOON ? 'doubtful' : '' },
      role.replaceAll('-', ' '),
      note === '' ? '–' : note,
    ],
  };
}

function timeText(at: number): string {
  return new Date(at).toLocaleTimeString();
}
