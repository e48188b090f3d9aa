// SPDX-License-Identifier: Apache-2.0
// One figure over two axes: a table whose cells are shaded and can be chosen.
import { rangeOf } from './data.js';
import { h } from './dom.js';
import { figureText, plain, scaleOf } from './figures.js';
import { inkOn, rampColour } from './scales.js';

function cellOf({ point, range, factor, unit, isSelected, onSelect, name }) {
  if (!point || !Number.isFinite(point.mean)) return h('td', { class: 'none' }, '–');
  const share = range.high > range.low ? (point.mean - range.low) / (range.high - range.low) : 0.5;
  const channels = rampColour(share);
  const style = { background: `rgb(${channels.join()})`, color: inkOn(channels) };
  const digits = plain(point.mean * factor, 3);
  const text = `${name}: ${digits} ${unit}`;
  return h(
    'td',
    {},
    h(
      'button',
      {
        type: 'button',
        style,
        title: text,
        'aria-label': text,
        'aria-pressed': String(isSelected(point)),
        onclick: () => onSelect(point.row),
      },
      digits,
    ),
  );
}

function ramp(range, figure) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => `rgb(${rampColour(share).join()})`);
  return h(
    'div',
    { class: 'ramp' },
    h('span', {}, figureText(figure, range.low)),
    h('i', { style: { background: `linear-gradient(to right, ${stops.join()})` } }),
    h('span', {}, figureText(figure, range.high)),
  );
}

// `series` are slices.js's along `columns`, one for each value of `rows`.
export function heatMap({ rows, columns, series, figure, isSelected, onSelect }) {
  const range = rangeOf(series.flatMap(({ points }) => points.map(({ mean }) => mean)));
  if (!range) return h('p', { class: 'quiet' }, 'No figures to show.');
  const { factor, unit } = scaleOf(figure, range.high);
  const head = columns.order.map((place) => h('th', { scope: 'col' }, columns.texts[place]));
  const lines = series.map(({ name, points }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      points.map((point) =>
        cellOf({
          point,
          range,
          factor,
          unit,
          isSelected,
          onSelect,
          name: `${rows.name} ${name}, ${columns.name} ${columns.texts[point.place]}`,
        }),
      ),
    ),
  );
  const caption = `${rows.name} down, ${columns.name} across${unit === '' ? '' : `; in ${unit}`}`;
  return h(
    'div',
    {},
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Heat map' },
      h(
        'table',
        { class: 'heat' },
        h('caption', {}, caption),
        h('thead', {}, h('tr', {}, h('td', {}), head)),
        h('tbody', {}, lines),
      ),
    ),
    ramp(range, figure),
  );
}
