// SPDX-License-Identifier: Apache-2.0
// What is written into the table's filter: words and comparisons, all of which must hold.
//   failed   capacity_factor=1.25   drop_rate<1%   step_time_s<=90ms   topology!=torus
import { quantityOf } from './figures.js';

const COMPARISON = /^([^=<>!]+)(<=|>=|!=|=|<|>)(.*)$/;
const FACTORS = {
  '%': 0.01,
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};
const HOLDS = {
  '=': (difference) => difference === 0,
  '!=': (difference) => difference !== 0,
  '<': (difference) => difference < 0,
  '>': (difference) => difference > 0,
  '<=': (difference) => difference <= 0,
  '>=': (difference) => difference >= 0,
};

function numberOf(text) {
  const match = /^([+-]?[\d.]+(?:e[+-]?\d+)?)\s*(%|[A-Za-zµ]*)$/.exec(text);
  if (!match) return NaN;
  const factor = match[2] === '' ? 1 : FACTORS[match[2]];
  return factor === undefined ? NaN : Number(match[1]) * factor;
}

// The one of `items` that the word means: its key, the end of its key, or a part of it.
function named(word, items) {
  const wanted = word.replaceAll(' ', '_');
  return (
    items.find((item) => item.key === wanted) ??
    items.find((item) => item.key.endsWith(`.${wanted}`)) ??
    items.find((item) => item.key.includes(wanted))
  );
}

function axisTest(axis, operator, text) {
  const compare = (place) => {
    if (axis.texts[place] === text) return 0;
    const own = quantityOf(axis.values[place]);
    const other = quantityOf(text) ?? { number: numberOf(text) };
    return own && Number.isFinite(other.number) ? own.number - other.number : NaN;
  };
  const passes = axis.values.map((_, place) => HOLDS[operator](compare(place)));
  return (row) => passes[axis.rows[row]];
}

function figureTest(figure, operator, text) {
  const wanted = numberOf(text);
  if (Number.isNaN(wanted)) return null;
  return (row) =>
    Number.isFinite(figure.numbers[row]) && HOLDS[operator](figure.numbers[row] - wanted);
}

function wordTest(report, word) {
  const wanted = word.toLowerCase();
  const holds = (text) => text.toLowerCase().includes(wanted);
  const axes = report.axes.map((axis) => ({ rows: axis.rows, passes: axis.texts.map(holds) }));
  return (row) =>
    holds(report.status.at(row)) ||
    report.ids[row].startsWith(wanted) ||
    axes.some(({ rows, passes }) => passes[rows[row]]) ||
    holds(report.reason.at(row) ?? '');
}

function termTest(report, term) {
  const match = COMPARISON.exec(term);
  if (!match) return wordTest(report, term);
  const [, name, operator, text] = match;
  const axis = named(name, report.axes);
  if (axis) return axisTest(axis, operator, text);
  const figure = named(name, [...report.figures.values()]);
  return figure ? figureTest(figure, operator, text) : null;
}

// {test(row), problem}: where a term cannot be understood, `problem` says which, and it is left out.
export function rowFilter(report, text) {
  const tests = [];
  let problem = '';
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const test = termTest(report, term);
    if (test) tests.push(test);
    else problem ||= `“${term}” names no axis or figure with a number`;
  }
  return { test: (row) => tests.every((test) => test(row)), problem };
}

// The rows in the order of `valueOf`, which gives numbers or texts; what has no value comes last.
export function sortedRows(rows, valueOf, isDescending) {
  const values = rows.map((row) => [valueOf(row), row]);
  const isMissing = (value) => value === null || Number.isNaN(value);
  const sign = isDescending ? -1 : 1;
  values.sort(([a, rowA], [b, rowB]) => {
    if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b) || rowA - rowB;
    return sign * (a < b ? -1 : a > b ? 1 : 0) || rowA - rowB;
  });
  return values.map(([, row]) => row);
}
