// SPDX-License-Identifier: Apache-2.0
// The best point for each objective.
import { rangeOf } from './data.js';
import { h, replaceChildren } from './dom.js';
import { differenceText, figureName, figureParts, intervalText } from './figures.js';
import { isMixed, pointTag, sectionHead } from './header.js';
import { meanInterval } from './intervals.js';
import { rowsThrough } from './slices.js';
import { on, referenceFigure, select, state } from './state.js';

// What repetitions of the point say, where there are any.
function repetitionText(report, row, figure) {
  if (!report.axes.some((axis) => axis.isRepetition && axis.values.length > 1)) return null;
  const { numbers } = report.figures.get(figure);
  const own = rowsThrough(report, row, []).map((other) => numbers[other]);
  const { mean, half, count } = meanInterval(own);
  if (count < 2) return null;
  return h('p', { class: 'quiet' }, `mean of ${count} seeds: ${intervalText(figure, mean, half)}`);
}

function valuesOf(report, row) {
  const values = report.axes.map((axis) => [axis, axis.texts[axis.rows[row]]]);
  if (values.length === 0) return null;
  return h(
    'ul',
    { class: 'chips' },
    values.map(([axis, text]) =>
      h('li', { title: axis.key }, h('span', {}, axis.name), ' ', h('b', {}, text)),
    ),
  );
}

function against(report, figure, row) {
  const reference = referenceFigure(report, figure, row);
  if (!Number.isFinite(reference) || row === state.reference) return null;
  const number = report.figures.get(figure).numbers[row];
  const name =
    state.reference === 'baseline' ? 'the baseline' : `point ${report.index[state.reference]}`;
  return h(
    'p',
    { class: 'against' },
    h('b', {}, differenceText(figure, number, reference)),
    ` against ${name}`,
  );
}

function card(report, objective) {
  const { figure, direction, best: row } = objective;
  const { numbers, docs } = report.figures.get(figure);
  const [digits, unit] = figureParts(figure, numbers[row]);
  const range = rangeOf(numbers);
  const isSame = report.count > 1 && range.low === range.high;
  const word = direction === 'max' ? 'Highest' : 'Lowest';
  const name = figureName(figure);
  const title =
    report.count === 1 ? name : `${word} ${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  const body = [
    h('h3', { title: docs }, title),
    h('p', { class: 'big' }, digits, ' ', h('small', {}, unit)),
  ];
  if (isSame)
    return h(
      'div',
      { class: 'card best' },
      body,
      h('p', { class: 'quiet' }, 'The same at every point'),
    );
  return h(
    'div',
    { class: 'card best' },
    body,
    against(report, figure, row),
    repetitionText(report, row, figure),
    valuesOf(report, row),
    h(
      'div',
      { class: 'card-foot' },
      isMixed(report) && pointTag(report, row),
      report.count > 1 &&
        h(
          'button',
          {
            type: 'button',
            'aria-pressed': String(state.selected === row),
            onclick: () => select(row),
          },
          `Point ${report.index[row]}`,
        ),
    ),
  );
}

export function bestPoints(report) {
  const cards = h('div', { class: 'cards' });
  const draw = () =>
    replaceChildren(
      cards,
      report.objectives.map((objective) => card(report, objective)),
    );
  on('selection reference', draw);
  draw();
  const title = report.count === 1 ? 'Figures' : 'Best points';
  return h('section', { 'aria-labelledby': 'best' }, sectionHead(report, 'best', title), cards);
}
