// SPDX-License-Identifier: Apache-2.0
// Means with 95 % intervals of named things, one row each, dots on a common axis.
import { rangeOf } from './data.js';
import { h, s } from './dom.js';
import { plain, scaleOf } from './figures.js';
import { colour, linear, roomy, roundTicks, seriesColour } from './scales.js';

const DOT_ROW = 30;
const DOT_FOOT = 42;

function shortened(text, width) {
  const room = Math.floor(width / 6.8);
  return text.length > room ? `${text.slice(0, Math.max(1, room - 1))}…` : text;
}

function dot({ point, y, x, place, text, isSelected, onSelect }) {
  const fill = seriesColour(place);
  const ends = point.half > 0 ? [x(point.mean - point.half), x(point.mean + point.half)] : null;
  return s(
    'g',
    { class: 'dot', onclick: () => onSelect(point.row) },
    s('title', {}, text),
    ends && s('line', { x1: ends[0], x2: ends[1], y1: y, y2: y, stroke: fill, 'stroke-width': 2 }),
    isSelected && s('circle', { cx: x(point.mean), cy: y, r: 9, class: 'ring' }),
    s('circle', { cx: x(point.mean), cy: y, r: 5.5, fill }),
    s('circle', { cx: x(point.mean), cy: y, r: 13, fill: 'transparent' }),
  );
}

// `series` as in line_chart.js; all series of one name stand in its row.
export function dotChart(host, width, chart) {
  const { axis, series, figure, isSelected, onSelect, valueText } = chart;
  const means = series.flatMap(({ points, baseline = [] }) => [
    ...points.flatMap(({ mean, half }) => [mean - (half || 0), mean + (half || 0)]),
    ...baseline,
  ]);
  const range = roomy(rangeOf(means));
  const { factor, unit } = scaleOf(figure, range.high);
  const longest = Math.max(...axis.texts.map((text) => text.length)) * 6.8 + 14;
  const left = Math.min(longest, width * 0.38);
  const height = axis.order.length * DOT_ROW + DOT_FOOT;
  const x = linear(range, left + 10, width - 16);
  const bottom = height - DOT_FOOT;
  const ticks = roundTicks(range.low, range.high, Math.max(2, Math.floor((width - left) / 80)));
  const svg = s('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  for (const tick of ticks) {
    svg.append(
      s('line', { x1: x(tick), x2: x(tick), y1: 0, y2: bottom, class: 'grid' }),
      s('text', { x: x(tick), y: bottom + 16, class: 'tick middle' }, plain(tick * factor)),
    );
  }
  const middle = (left + width) / 2;
  svg.append(s('text', { x: middle, y: height - 6, class: 'tick middle' }, unit));
  for (const [row, place] of axis.order.entries()) {
    const y = row * DOT_ROW + DOT_ROW / 2;
    const name = axis.texts[place];
    svg.append(
      s(
        'text',
        { x: left, y: y + 4, class: 'tick end' },
        s('title', {}, name),
        shortened(name, left),
      ),
      s('line', { x1: left + 8, x2: width - 8, y1: y, y2: y, class: 'grid' }),
    );
    for (const { name: own, place: shade, points, baseline, isShared } of series) {
      const point = points[row];
      const mark = baseline?.[row];
      if (Number.isFinite(mark)) {
        const at = { x1: x(mark), x2: x(mark), y1: y - 9, y2: y + 9, 'stroke-width': 2 };
        svg.append(
          s('line', {
            ...at,
            stroke: isShared ? colour('muted') : seriesColour(shade),
            'stroke-dasharray': '3 2',
          }),
        );
      }
      if (!Number.isFinite(point.mean)) continue;
      const text = `${name}${own === '' ? '' : `, ${own}`}: ${valueText(point)}`;
      svg.append(dot({ point, y, x, place: shade, text, isSelected: isSelected(point), onSelect }));
    }
  }
  host.append(h('div', { class: 'drawing' }, svg));
}
