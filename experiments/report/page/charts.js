// SPDX-License-Identifier: Apache-2.0
// Figures over the swept axes: series through the selected point, a heat map, and the trade-off of
// two figures.
import { rangeOf } from './data.js';
import { choice, h, numbersTable, onWidth, replaceChildren } from './dom.js';
import { dotChart } from './dot_chart.js';
import { figureName, intervalText, isHigherBetter } from './figures.js';
import { sectionHead } from './header.js';
import { heatMap } from './heat_map.js';
import { lineChart } from './line_chart.js';
import { paretoFront } from './pareto.js';
import { NUM_SERIES, seriesColour } from './scales.js';
import { firstAlike, heldText, meansAtFirst, seriesThrough, variedAxes } from './slices.js';
import { on, select, state } from './state.js';
import { tradeOff } from './trade_off.js';

const OBJECTIVES = '';

export function figureOptions(report) {
  const keys = [...report.figures.values()]
    .filter(({ numbers }) => {
      const range = rangeOf(numbers);
      // What varies by rounding alone is the same at every point.
      return range !== null && range.high - range.low > 1e-9 * Math.max(range.high, -range.low);
    })
    .map(({ key }) => key);
  return keys.map((key) => [key, figureName(key)]);
}

function valueText(figure, { mean, half, count }) {
  return `${intervalText(figure, mean, half)}${count > 1 ? ` (${count} seeds)` : ''}`;
}

// The other axis that lines stand for: the first with few enough values.
function linesFor(axis, axes) {
  return axes.find((other) => other !== axis && other.values.length <= NUM_SERIES) ?? null;
}

function legendOf(lines, series) {
  const hasBaseline = series.some(({ baseline }) => baseline);
  if (!lines && !hasBaseline) return null;
  const items = series.map(({ name, place }) =>
    h('li', {}, h('i', { style: { background: seriesColour(place) } }), name),
  );
  const dashed = h('li', {}, h('i', { class: 'dashed' }), 'baseline');
  const named = lines ? [h('li', { class: 'legend-head' }, lines.name), ...items] : [];
  return h('ul', { class: 'legend' }, named, hasBaseline && dashed);
}

// Each line with its baseline; one point as baseline of all is one line.
function withBaseline(report, figure, series, slice) {
  const numbers = report.baseline?.figures.get(figure);
  if (state.reference !== 'baseline' || !numbers) return series;
  const others = seriesThrough(report, numbers, slice);
  const isShared = report.baseline.is_one_point;
  return series.map((one, i) => {
    const twin = others.find(({ place }) => place === one.place);
    if (!twin || (isShared && i > 0)) return one;
    const baseline = twin.points.map(({ mean }) => (Number.isFinite(mean) ? mean : null));
    return { ...one, baseline, isShared };
  });
}

function numbersOf(figure, axis, series) {
  const head = [axis.name, ...series.map(({ name }) => name || figureName(figure))];
  const rows = axis.order.map((place, i) => [
    axis.texts[place],
    ...series.map(({ points }) => {
      if (!Number.isFinite(points[i].mean)) return '–';
      const onclick = () => select(points[i].row);
      return h('button', { type: 'button', class: 'plain', onclick }, valueText(figure, points[i]));
    }),
  ]);
  return numbersTable(head, rows);
}

function drawChart(host, width, report, { figure, axis, axes }) {
  const lines = linesFor(axis, axes);
  const slice = { axis, lines, row: state.selected };
  const { numbers } = report.figures.get(figure);
  const series = withBaseline(report, figure, seriesThrough(report, numbers, slice), slice);
  const isOpen = host.querySelector('details')?.open ?? false;
  replaceChildren(host);
  if (series.length === 0) {
    host.append(h('p', { class: 'quiet' }, 'No figures through the selected point.'));
    return;
  }
  const chart = {
    axis,
    series,
    figure,
    isSelected: ({ row }) => row === state.selected,
    onSelect: select,
    valueText: ({ mean, half }) => intervalText(figure, mean, half),
  };
  const legend = legendOf(lines, series);
  if (legend) host.append(legend);
  const area = h('div', { class: 'plot' });
  host.append(area);
  (axis.isNumeric ? lineChart : dotChart)(area, width, chart);
  const held = heldText(report, state.selected, lines ? [axis, lines] : [axis]);
  if (held) host.append(h('p', { class: 'quiet' }, `At ${held}`));
  const table = numbersOf(figure, axis, series);
  table.open = isOpen;
  host.append(table);
}

function chartCard(report, figure, axis, redraws) {
  const host = h('div', { class: 'chart' });
  let width = 0;
  const draw = () => {
    if (width > 0) drawChart(host, width, report, { figure, axis, axes: variedAxes(report) });
  };
  onWidth(host, (now) => {
    width = now;
    draw();
  });
  redraws.push(draw);
  const heading = h('h3', { title: report.figures.get(figure).docs }, figureName(figure));
  return h(
    'figure',
    { class: 'card' },
    h('figcaption', {}, heading, h('span', {}, ` by ${axis.name}`)),
    host,
  );
}

function shownFigures(report, chosen) {
  if (chosen !== OBJECTIVES) return [chosen];
  const options = new Set(figureOptions(report).map(([key]) => key));
  const varied = report.objectives.map(({ figure }) => figure).filter((key) => options.has(key));
  return varied.length > 0 ? varied : [...options].slice(0, 1);
}

export function axisCharts(report) {
  const grid = h('div', { class: 'charts' });
  let redraws = [];
  const show = (chosen) => {
    redraws = [];
    const cards = shownFigures(report, chosen).flatMap((figure) =>
      variedAxes(report).map((axis) => chartCard(report, figure, axis, redraws)),
    );
    replaceChildren(grid, cards);
  };
  on('selection reference theme', () => redraws.forEach((draw) => draw()));
  show(OBJECTIVES);
  const options = [[OBJECTIVES, 'the objectives'], ...figureOptions(report)];
  const repeats = report.axes.some((axis) => axis.isRepetition && axis.values.length > 1);
  const note = repeats
    ? 'Means over seeds; whiskers are 95 % confidence intervals of the mean (Student’s t). '
    : '';
  return h(
    'section',
    { 'aria-labelledby': 'figures' },
    sectionHead(report, 'figures', 'Along each axis', choice('Show', options, OBJECTIVES, show)),
    h(
      'p',
      { class: 'quiet' },
      `${note}Lines run through the selected point; choosing a dot selects it.`,
    ),
    grid,
  );
}

export function heatSection(report) {
  const axes = variedAxes(report);
  if (axes.length < 2) return null;
  const options = figureOptions(report);
  const names = axes.map((axis) => [axis.key, axis.name]);
  const wanted = {
    figure: shownFigures(report, OBJECTIVES)[0],
    rows: axes[0].key,
    columns: axes[1].key,
  };
  const host = h('div', { class: 'card' });
  const draw = () => {
    const rows = axes.find(({ key }) => key === wanted.rows);
    const columns = axes.find(({ key }) => key === wanted.columns);
    if (rows === columns) {
      replaceChildren(host, h('p', { class: 'quiet' }, 'Choose two different axes.'));
      return;
    }
    const slice = { axis: columns, lines: rows, row: state.selected };
    const series = seriesThrough(report, report.figures.get(wanted.figure).numbers, slice);
    const isSelected = ({ row }) => row === state.selected;
    const map = heatMap({
      rows,
      columns,
      series,
      figure: wanted.figure,
      isSelected,
      onSelect: select,
    });
    const held = heldText(report, state.selected, [rows, columns]);
    // A cell that was chosen by keyboard keeps the focus.
    const label = host.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
    replaceChildren(host, map, held && h('p', { class: 'quiet' }, `At ${held}`));
    if (label)
      [...host.querySelectorAll('button')].find((button) => button.ariaLabel === label)?.focus();
  };
  const change = (part) => (value) => {
    wanted[part] = value;
    draw();
  };
  on('selection', draw);
  draw();
  return h(
    'section',
    { 'aria-labelledby': 'heat' },
    sectionHead(
      report,
      'heat',
      'Two axes at once',
      choice('Figure', options, wanted.figure, change('figure')),
      choice('Down', names, wanted.rows, change('rows')),
      choice('Across', names, wanted.columns, change('columns')),
    ),
    host,
  );
}

function directionOf(report, key) {
  const objective = report.objectives.find(({ figure }) => figure === key);
  return objective?.direction ?? (isHigherBetter(key) ? 'max' : 'min');
}

function frontOf(report, wanted) {
  const [x, y] = [wanted.x, wanted.y].map((key) => ({
    numbers: report.figures.get(key).numbers,
    direction: directionOf(report, key),
  }));
  return paretoFront(x, y);
}

// The two figures that the trade-off opens with: objectives, else the first that the first
// objective is paid for with.
function firstPair(report, options) {
  const [y, other] = shownFigures(report, OBJECTIVES);
  if (other) return { x: other, y };
  const likely = ['memory_bytes_per_rank.peak', 'padding_share', 'rank_load.max_over_mean'];
  const known = options.map(([key]) => key).filter((key) => key !== y);
  const candidates = [...likely.filter((key) => known.includes(key)), ...known].slice(0, 20);
  const x = candidates.find((key) => frontOf(report, { x: key, y }).length > 1);
  return { x: x ?? candidates[0], y };
}

// Means over repetitions of the two figures, and those that no other beats in both.
function tradeOffData(report, firsts, wanted) {
  const means = (key) => meansAtFirst(firsts, report.figures.get(key).numbers);
  const figures = { ...wanted, xs: means(wanted.x), ys: means(wanted.y) };
  const front = paretoFront(
    { numbers: figures.xs, direction: directionOf(report, wanted.x) },
    { numbers: figures.ys, direction: directionOf(report, wanted.y) },
  );
  return { report, figures, front, onSelect: select };
}

function tradeOffNote(report, firsts, { x, y }, front) {
  const count = new Set(firsts).size;
  const what = count < report.count ? 'means over seeds' : 'points';
  const aim = (key) => `${figureName(key)} ${directionOf(report, key) === 'max' ? 'high' : 'low'}`;
  return `${front.length} of ${count.toLocaleString('en')} ${what} are beaten by no other in both: ${aim(y)}, ${aim(x)}. Arrow keys walk along them.`;
}

export function tradeOffSection(report) {
  const options = figureOptions(report);
  if (options.length < 2 || report.count < 2) return null;
  const wanted = firstPair(report, options);
  const firsts = firstAlike(report);
  const host = h('div', { class: 'card' });
  const note = h('p', { class: 'quiet' });
  let data = null;
  let width = 0;
  const draw = () => {
    if (width === 0) return;
    const hadFocus = host.contains(document.activeElement);
    replaceChildren(host);
    tradeOff(host, width - 2, { ...data, selected: firsts[state.selected] });
    if (hadFocus) host.querySelector('[tabindex="0"]')?.focus();
  };
  const change = () => {
    data = tradeOffData(report, firsts, wanted);
    note.textContent = tradeOffNote(report, firsts, wanted, data.front);
    draw();
  };
  const set = (part) => (value) => {
    wanted[part] = value;
    change();
  };
  on('selection theme', draw);
  onWidth(host, (now) => {
    width = now - 28;
    draw();
  });
  change();
  return h(
    'section',
    { 'aria-labelledby': 'trade-off' },
    sectionHead(
      report,
      'trade-off',
      'Trade-off',
      choice('Up', options, wanted.y, set('y')),
      choice('Right', options, wanted.x, set('x')),
    ),
    note,
    host,
  );
}
