// SPDX-License-Identifier: Apache-2.0
// All points: sorted, filtered, and drawn only where they are in view.
import { rangeOf } from './data.js';
import { h, replaceChildren } from './dom.js';
import { figureName, plain, scaleOf } from './figures.js';
import { rowFilter, sortedRows } from './filter.js';
import { figureOptions } from './charts.js';
import { sectionHead } from './header.js';
import { on, select, state } from './state.js';

const ROW_HEIGHT = 36; // pixels, as in style.css
const BEYOND = 8; // rows drawn above and below those in view

function axisColumn(axis) {
  const ranks = [];
  axis.order.forEach((place, rank) => (ranks[place] = rank));
  return {
    key: axis.key,
    name: axis.name,
    title: axis.key,
    isText: !axis.isNumeric,
    value: (row) => ranks[axis.rows[row]],
    text: (row) => axis.texts[axis.rows[row]],
  };
}

function figureColumn(figure) {
  const { factor, unit } = scaleOf(figure.key, rangeOf(figure.numbers)?.high ?? 0);
  return {
    key: figure.key,
    name: figureName(figure.key),
    unit,
    title: figure.docs,
    value: (row) => figure.numbers[row],
    text: (row) => plain(figure.numbers[row] * factor),
  };
}

function columnsOf(report, shown) {
  const number = {
    key: '#',
    name: '#',
    title: 'Number in the sweep',
    value: (row) => report.index[row],
    text: (row) => String(report.index[row]),
  };
  const status = {
    key: 'status',
    name: 'Status',
    title: 'ok, failed or skipped',
    isText: true,
    value: (row) => report.status.at(row),
    text: (row) => report.status.at(row),
  };
  const figures = [...shown].map((key) => report.figures.get(key)).filter(Boolean);
  const isMixed = report.status.values.length > 1;
  return [
    number,
    ...(isMixed ? [status] : []),
    ...report.axes.map(axisColumn),
    ...figures.map(figureColumn),
  ];
}

function firstFigures(report) {
  const objectives = report.objectives.map(({ figure }) => figure);
  return new Set([...objectives, 'step_time_s', 'mfu', 'exposed_communication_s']);
}

class PointsTable {
  constructor(report) {
    this.report = report;
    this.shown = firstFigures(report);
    this.sort = { key: '#', isDescending: false };
    this.query = '';
    this.head = h('tr', {});
    this.body = h('tbody', {});
    this.count = h('p', { class: 'quiet', role: 'status' });
    this.table = h(
      'table',
      {
        class: 'points',
        role: 'grid',
        tabindex: 0,
        'aria-label': 'Points; arrow keys select',
        onkeydown: (event) => this.key(event),
      },
      h('thead', {}, this.head),
      this.body,
    );
    this.view = h('div', { class: 'scroll view', onscroll: () => this.drawRows() }, this.table);
    on('selection', () => this.drawRows());
  }

  setQuery(text) {
    this.query = text;
    this.arrange();
  }

  toggle(key, isShown) {
    if (isShown) this.shown.add(key);
    else this.shown.delete(key);
    this.arrange();
  }

  sortBy(key) {
    const isSame = this.sort.key === key;
    this.sort = { key, isDescending: isSame && !this.sort.isDescending };
    this.arrange();
  }

  arrange() {
    const { report } = this;
    this.columns = columnsOf(report, this.shown);
    const { test, problem } = rowFilter(report, this.query);
    const all = Array.from({ length: report.count }, (_, row) => row).filter(test);
    const column = this.columns.find(({ key }) => key === this.sort.key) ?? this.columns[0];
    this.rows = sortedRows(all, column.value, this.sort.isDescending);
    this.count.textContent =
      problem ||
      `${all.length.toLocaleString('en')} of ${report.count.toLocaleString('en')} points`;
    this.table.setAttribute('aria-rowcount', String(this.rows.length + 1));
    this.drawHead();
    this.drawRows();
  }

  drawHead() {
    const focused = document.activeElement?.dataset?.column;
    const cells = this.columns.map(({ key, name, unit, title, isText }) => {
      const isSorted = this.sort.key === key;
      const order = isSorted ? (this.sort.isDescending ? 'descending' : 'ascending') : null;
      const button = h(
        'button',
        { type: 'button', title, 'data-column': key, onclick: () => this.sortBy(key) },
        name,
        unit && h('small', {}, ` ${unit}`),
        h(
          'span',
          { 'aria-hidden': 'true' },
          isSorted ? (this.sort.isDescending ? ' ↓' : ' ↑') : '',
        ),
      );
      return h('th', { scope: 'col', class: isText ? 'text' : null, 'aria-sort': order }, button);
    });
    replaceChildren(this.head, cells);
    if (focused) this.head.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  }

  rowElement(row, place) {
    const isSelected = row === state.selected;
    const cells = this.columns.map(({ text, isText }) =>
      h('td', { class: isText ? 'text' : null }, text(row)),
    );
    return h(
      'tr',
      {
        id: `row-${row}`,
        'aria-rowindex': place + 2,
        'aria-selected': String(isSelected),
        class: this.report.status.at(row) === 'ok' ? null : 'not-ok',
        onclick: () => select(row),
      },
      cells,
    );
  }

  drawRows() {
    const { scrollTop, clientHeight } = this.view;
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - BEYOND);
    const last = Math.min(
      this.rows.length,
      Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + BEYOND,
    );
    const spacer = (count) =>
      count > 0 &&
      h('tr', {
        class: 'spacer',
        'aria-hidden': 'true',
        style: { height: `${count * ROW_HEIGHT}px` },
      });
    const rows = this.rows.slice(first, last).map((row, i) => this.rowElement(row, first + i));
    replaceChildren(this.body, spacer(first), rows, spacer(this.rows.length - last));
    const isDrawn = document.getElementById(`row-${state.selected}`) !== null;
    if (isDrawn) this.table.setAttribute('aria-activedescendant', `row-${state.selected}`);
    else this.table.removeAttribute('aria-activedescendant');
  }

  key(event) {
    if (event.target !== this.table) return;
    const page = Math.max(1, Math.floor(this.view.clientHeight / ROW_HEIGHT) - 2);
    const steps = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -page,
      PageDown: page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || this.rows.length === 0) return;
    event.preventDefault();
    const now = this.rows.indexOf(state.selected);
    const next = Math.min(this.rows.length - 1, Math.max(0, now + step));
    this.show(next);
    select(this.rows[next]);
  }

  // Scrolls a row into view, below the head that stays.
  show(place) {
    const { view } = this;
    const top = place * ROW_HEIGHT;
    if (top < view.scrollTop) view.scrollTop = top;
    const room = view.clientHeight - 2 * ROW_HEIGHT;
    if (top > view.scrollTop + room) view.scrollTop = top - room;
  }
}

function columnPicker(report, table) {
  const boxes = figureOptions(report).map(([key, name]) =>
    h(
      'label',
      {},
      h('input', {
        type: 'checkbox',
        checked: table.shown.has(key),
        onchange: (event) => table.toggle(key, event.target.checked),
      }),
      name,
    ),
  );
  return h(
    'details',
    { class: 'picker' },
    h('summary', {}, 'Columns'),
    h('div', { class: 'boxes' }, boxes),
  );
}

export function pointsSection(report) {
  if (report.count < 2) return null;
  const table = new PointsTable(report);
  table.arrange();
  new ResizeObserver(() => table.drawRows()).observe(table.view);
  const field = h('input', {
    type: 'search',
    spellcheck: 'false',
    placeholder: 'drop_rate<5% capacity_factor=1.25',
    oninput: (event) => table.setQuery(event.target.value),
  });
  return h(
    'section',
    { 'aria-labelledby': 'points' },
    sectionHead(report, 'points', 'Points'),
    h(
      'div',
      { class: 'tools' },
      h('label', { class: 'choice wide' }, h('span', {}, 'Filter'), field),
      columnPicker(report, table),
      table.count,
    ),
    table.view,
  );
}
