// SPDX-License-Identifier: Apache-2.0
// Means with 95 % intervals over a numeric axis, drawn by uPlot.
/* global uPlot */
import { h } from './dom.js';
import { plain, scaleOf } from './figures.js';
import { colour, roomy, seriesColour } from './scales.js';
import { rangeOf } from './data.js';

const PLOT_HEIGHT = 240;
const PLOT_FONT = '12px system-ui, sans-serif';

// Values that multiply rather than add (8, 16, 32, 64) stand evenly on a logarithmic axis.
export function multiplies(numbers) {
  if (numbers.length < 3 || numbers[0] <= 0) return false;
  const ratios = numbers.slice(1).map((number, i) => number / numbers[i]);
  return Math.min(...ratios) >= 1.9 && Math.max(...ratios) / Math.min(...ratios) < 3;
}

function valueRange(series) {
  const ends = series.flatMap(({ points, baseline = [] }) => [
    ...points.flatMap(({ mean, half }) => [mean, mean - (half || 0), mean + (half || 0)]),
    ...baseline,
  ]);
  return roomy(rangeOf(ends));
}

function drawWhiskers(plot, series) {
  const { ctx } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = 1.5 * ratio;
  for (const { points, place } of series) {
    ctx.strokeStyle = seriesColour(place);
    for (const [i, { mean, half }] of points.entries()) {
      if (!(half > 0)) continue;
      const x = plot.valToPos(plot.data[0][i], 'x', true);
      const top = plot.valToPos(mean + half, 'y', true);
      const bottom = plot.valToPos(mean - half, 'y', true);
      const cap = 4 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, bottom);
      ctx.moveTo(x - cap, top);
      ctx.lineTo(x + cap, top);
      ctx.moveTo(x - cap, bottom);
      ctx.lineTo(x + cap, bottom);
      ctx.stroke();
    }
  }
  ctx.restore();
}

// The selected point's mean gets a ring.
function drawSelected(plot, series, isSelected) {
  const { ctx } = plot;
  for (const { points } of series) {
    for (const [i, point] of points.entries()) {
      if (!isSelected(point) || !Number.isFinite(point.mean)) continue;
      ctx.save();
      ctx.setLineDash([]);
      ctx.strokeStyle = colour('text');
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.beginPath();
      const x = plot.valToPos(plot.data[0][i], 'x', true);
      const y = plot.valToPos(point.mean, 'y', true);
      ctx.arc(x, y, 8 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.stroke();
      ctx.restore();
    }
  }
}

function tooltip(host, { series, axis, valueText }) {
  const box = h('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });
  host.append(box);
  return (plot) => {
    const { idx, left } = plot.cursor;
    box.hidden = idx === null || idx === undefined || left < 0;
    if (box.hidden) return;
    const place = axis.order[idx];
    const lines = series.map(({ name, place: own, points }) =>
      h(
        'div',
        {},
        h('i', { style: { background: seriesColour(own) } }),
        name === '' ? '' : `${name}: `,
        h('b', {}, valueText(points[idx])),
      ),
    );
    box.replaceChildren(h('div', { class: 'tooltip-head' }, `${axis.name} ${axis.texts[place]}`));
    box.append(...lines);
    const x = plot.bbox.left / devicePixelRatio + left;
    const size = box.offsetWidth;
    const before = x - 14 - size;
    const behind = Math.min(x + 14, host.clientWidth - size);
    box.style.left = `${Math.max(0, x > host.clientWidth / 2 && before > 0 ? before : behind)}px`;
  };
}

function axisStyle() {
  return {
    stroke: colour('muted'),
    font: PLOT_FONT,
    labelFont: PLOT_FONT,
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
  };
}

// Ticks whose texts would run into the one before stay without.
function tickTexts(plot, ticks) {
  let end = -Infinity;
  return ticks.map((tick) => {
    if (tick === null) return '';
    const text = plain(tick);
    const middle = plot.valToPos(tick, 'x');
    const half = text.length * 3.6 + 3;
    if (middle - half < end) return '';
    end = middle + half;
    return text;
  });
}

function dataOf(axis, series) {
  const baselines = series.filter((one) => one.baseline).map((one) => one.baseline);
  const means = series.map(({ points }) =>
    points.map(({ mean }) => (Number.isFinite(mean) ? mean : null)),
  );
  return [axis.order.map((place) => axis.numbers[place]), ...means, ...baselines];
}

function linesOf(series) {
  const lines = series.map(({ name, place }) => ({
    label: name,
    stroke: seriesColour(place),
    width: 2,
    spanGaps: true,
    points: { show: true, size: 8, fill: seriesColour(place) },
  }));
  const dashed = series
    .filter((one) => one.baseline)
    .map(({ place, isShared }) => ({
      stroke: isShared ? colour('muted') : seriesColour(place),
      width: 1.5,
      dash: [6, 5],
      points: { show: false },
    }));
  return [...lines, ...dashed];
}

// Draws into `host` and returns the plot. `series` are slices.js's, each with `baseline` (means
// beside its own) where there is one; `valueText(point)` is what the tooltip says.
export function lineChart(host, width, chart) {
  const { axis, series, figure, isSelected, onSelect } = chart;
  const range = valueRange(series);
  const { factor, unit } = scaleOf(figure, range.high);
  const numbers = axis.order.map((place) => axis.numbers[place]);
  const isLogarithmic = multiplies(numbers);
  const span = roomy({ low: numbers[0], high: numbers.at(-1) });
  const ends = isLogarithmic ? [numbers[0] / 1.15, numbers.at(-1) * 1.15] : [span.low, span.high];
  const showTooltip = tooltip(host, chart);
  const options = {
    width,
    height: PLOT_HEIGHT,
    legend: { show: false },
    padding: [10, 14, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 10 } },
    scales: {
      x: { time: false, distr: isLogarithmic ? 3 : 1, log: 2, range: () => ends },
      y: { range: () => [range.low, range.high] },
    },
    series: [{}, ...linesOf(series)],
    axes: [
      {
        ...axisStyle(),
        label: axis.unit ? `${axis.name} (${axis.unit})` : axis.name,
        labelSize: 22,
        size: 30,
        splits: numbers.length <= 10 ? () => numbers : undefined,
        values: tickTexts,
        filter: (_, ticks) => ticks,
      },
      {
        ...axisStyle(),
        label: unit === '' ? undefined : unit,
        labelSize: 20,
        size: 54,
        values: (_, ticks) => ticks.map((tick) => plain(tick * factor)),
      },
    ],
    hooks: {
      draw: [
        (plot) => {
          drawWhiskers(plot, series);
          drawSelected(plot, series, isSelected);
        },
      ],
      setCursor: [showTooltip],
    },
  };
  const plot = new uPlot(options, dataOf(axis, series), host);
  plot.over.addEventListener('click', () => {
    const { idx, top } = plot.cursor;
    if (idx === null || idx === undefined) return;
    const distance = (one) => Math.abs(plot.valToPos(one.points[idx].mean, 'y') - top);
    const known = series.filter((one) => Number.isFinite(one.points[idx].mean));
    if (known.length === 0) return;
    onSelect(known.reduce((a, b) => (distance(b) < distance(a) ? b : a)).points[idx].row);
  });
  return plot;
}
