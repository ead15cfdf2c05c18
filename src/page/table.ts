/** Tables whose cells are written again only where they have changed. */
import { create, setText } from './dom.js';

interface Column {
  readonly head: string;
  /** `number` is aligned to the right; `long` may take several lines. */
  readonly kind?: 'number' | 'text' | 'long';
  /** The meaning of the head. */
  readonly title?: string;
}

interface Cell {
  readonly text: string;
  /** Classes of the cell. */
  readonly look?: string;
}

export interface Row {
  /** Class of the coloured mark before the first cell. */
  readonly swatch?: string | undefined;
  readonly cells: readonly (string | Cell)[];
}

interface TableView {
  readonly element: HTMLElement;
  update(rows: readonly Row[]): void;
}

/** A table below `place`. `none`: the text when there are no rows. */
export function tableView(place: HTMLElement, caption: string, columns: readonly Column[], none: string): TableView {
  const body = create('tbody');
  const heads = columns.map(({ head, kind = 'number', title }) =>
    create('th', { scope: 'col', class: classOf(kind), ...(title !== undefined && { title }) }, head),
  );
  const table = create(
    'table',
    {},
    create('caption', {}, caption),
    create('thead', {}, create('tr', {}, ...heads)),
    body,
  );
  const empty = create('p', { class: 'empty' }, none);
  place.append(table, empty);
  // It may be wider than its place: keys move it, too.
  if (place.classList.contains('wide') && !place.hasAttribute('role')) {
    place.tabIndex = 0;
    place.setAttribute('role', 'region');
    place.setAttribute('aria-label', `Table: ${caption}`);
  }
  return {
    element: table,
    update(rows) {
      table.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
      while (body.rows.length > rows.length) body.deleteRow(-1);
      for (const [index, row] of rows.entries()) {
        const line = body.rows[index] ?? body.appendChild(newRow(columns));
        updateRow(line, row);
      }
    },
  };
}

function classOf(kind: Column['kind']): string {
  return kind === 'text' ? 'text' : kind === 'long' ? 'text long' : '';
}

/** The first cell is the head of its row. */
function newRow(columns: readonly Column[]): HTMLTableRowElement {
  const cells = columns.map(({ kind = 'number' }, i) => {
    const content = create('span');
    const attributes = { class: classOf(kind) };
    return i === 0
      ? create('th', { scope: 'row', ...attributes }, create('span', { 'aria-hidden': 'true' }), content)
      : create('td', attributes, content);
  });
  return create('tr', {}, ...cells);
}

function updateRow(line: HTMLTableRowElement, { cells, swatch }: Row): void {
  for (const [i, cell] of cells.entries()) {
    const { text, look = '' } = typeof cell === 'string' ? { text: cell } : cell;
    const content = line.cells[i]?.lastElementChild;
    if (!(content instanceof HTMLElement)) continue;
    setText(content, text);
    if (content.className !== look) content.className = look;
    if (i !== 0) continue;
    const mark = line.cells[0]?.firstElementChild;
    const wanted = swatch === undefined ? '' : `swatch ${swatch}`;
    if (mark instanceof HTMLElement && mark.className !== wanted) mark.className = wanted;
  }
}
