// SPDX-License-Identifier: Apache-2.0
// The report's modules that need no document.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeReport, unpackNumbers } from '../../experiments/report/page/data.js';
import * as figures from '../../experiments/report/page/figures.js';
import { rowFilter, sortedRows } from '../../experiments/report/page/filter.js';
import {
  meanInterval,
  studentQuantile,
  studentWithin,
} from '../../experiments/report/page/intervals.js';
import { paretoFront } from '../../experiments/report/page/pareto.js';
import { inkOn, luminance, roundTicks } from '../../experiments/report/page/scales.js';
import {
  firstAlike,
  heldText,
  meansAtFirst,
  seriesThrough,
} from '../../experiments/report/page/slices.js';

function near(actual, expected, tolerance = 1e-9) {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

// Capacity factor 1 and 2, seeds 1 to 3, top-k 4 and 8; the step time of each is
// capacity + top-k / 100 + seed; the last point failed.
function sampleReport() {
  const points = [];
  for (const capacity of [0, 1]) {
    for (const topK of [0, 1]) {
      for (const seed of [0, 1, 2]) points.push({ capacity, topK, seed });
    }
  }
  const counts = (key) => ({
    u4: Buffer.from(Uint32Array.from(points, (point) => point[key]).buffer).toString('base64'),
  });
  const steps = points.map(
    ({ capacity, topK, seed }) => capacity + 1 + (topK + 1) * 0.04 + seed + 1,
  );
  const failed = points.map((_, i) => (i === points.length - 1 ? 1 : 0));
  return decodeReport({
    run: { name: 'sample' },
    objectives: [],
    axes: [
      { key: 'router.capacity_factor', values: [1, 2], rows: counts('capacity') },
      { key: 'model.top_k', values: [4, 8], rows: counts('topK') },
      { key: 'router.seed', values: [1, 2, 3], rows: counts('seed') },
    ],
    points: {
      count: points.length,
      index: 0,
      ids: points.map((_, i) => `id${i}`).join(' '),
      status: {
        values: ['ok', 'failed'],
        rows: { u4: Buffer.from(Uint32Array.from(failed).buffer).toString('base64') },
      },
      reason: { values: [''], rows: 0 },
      routing_source: { values: ['numerics'], rows: 0 },
    },
    figures: [
      {
        key: 'step_time_s',
        docs: '',
        numbers: { f8: Buffer.from(Float64Array.from(steps).buffer).toString('base64') },
      },
    ],
    details: {},
    baseline: null,
  });
}

// Quantiles of the table in Abramowitz and Stegun, 26.10 (A = 0.95).
test("Student's quantiles are those of the published table", () => {
  const table = [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [10, 2.228],
    [30, 2.042],
    [60, 2.0],
    [120, 1.98],
  ];
  for (const [freedom, quantile] of table) near(studentQuantile(freedom), quantile, 6e-4);
});

// One degree of freedom is Cauchy's distribution: P(|T| <= 1) = 1/2. Two: t / sqrt(2 + t²).
test("Student's distribution has its closed forms", () => {
  near(studentWithin(1, 1), 0.5);
  near(studentWithin(3, 2), 3 / Math.sqrt(11));
});

// 1, 2, 3: mean 2, deviation 1, so the half width is 4.30265 / sqrt(3) = 2.48414.
test('a mean comes with its interval', () => {
  const { mean, half, count } = meanInterval([1, NaN, 2, 3]);
  assert.equal(mean, 2);
  assert.equal(count, 3);
  near(half, 2.48414, 1e-5);
});

test('nothing is known of the spread of a lone number', () => {
  assert.deepEqual(meanInterval([7]), { mean: 7, half: NaN, count: 1 });
  assert.deepEqual(meanInterval([]), { mean: NaN, half: NaN, count: 0 });
});

// x low is good and y high: row 1 beats 0 in both, 2 buys y with x, 3 equals 2, 4 has no y.
test('the front keeps what no other beats', () => {
  const x = { numbers: [2, 1, 3, 3, 0], direction: 'min' };
  const y = { numbers: [5, 6, 9, 9, NaN], direction: 'max' };
  assert.deepEqual(paretoFront(x, y), [1, 2]);
});

// With x high the order of the front is still that of rising x.
test('the front rises in x whatever is wanted of it', () => {
  const x = { numbers: [1, 2, 3], direction: 'max' };
  const y = { numbers: [3, 2, 1], direction: 'max' };
  assert.deepEqual(paretoFront(x, y), [0, 1, 2]);
});

// Through row 0 (top-k 4): means over seeds 1, 2, 3 are capacity + 0.04 + 2.
test('series run through a point and average its repetitions', () => {
  const report = sampleReport();
  const [axis, lines] = report.axes;
  const { numbers } = report.figures.get('step_time_s');
  const [alone] = seriesThrough(report, numbers, { axis, lines: null, row: 1 });
  assert.deepEqual(
    alone.points.map(({ count, row }) => [count, row]),
    [
      [3, 1],
      [3, 7],
    ],
  );
  near(alone.points[0].mean, 3.04);
  near(alone.points[1].mean, 4.04);
  assert.equal(heldText(report, 1, [axis]), 'top k 4');
  assert.equal(heldText(report, 1, []), 'capacity factor 1, top k 4');
  const both = seriesThrough(report, numbers, { axis, lines, row: 1 });
  assert.deepEqual(
    both.map(({ name, points }) => [name, points.map(({ count }) => count)]),
    [
      ['4', [3, 3]],
      ['8', [3, 2]],
    ],
  );
});

// Rows 0 to 2 repeat one point, with step times 2.04, 3.04 and 4.04.
test('means over repetitions stand at the first of their rows', () => {
  const report = sampleReport();
  const firsts = firstAlike(report);
  assert.deepEqual([...firsts], [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]);
  const means = meansAtFirst(firsts, report.figures.get('step_time_s').numbers);
  near(means[0], 3.04);
  assert.ok(Number.isNaN(means[1]));
  const sparse = Float64Array.of(NaN, 4, NaN);
  assert.deepEqual([...meansAtFirst([0, 0, 2], sparse)], [4, NaN, NaN]);
});

test('a filter compares axes and figures and finds words', () => {
  const report = sampleReport();
  const found = (text) => {
    const { test: holds, problem } = rowFilter(report, text);
    assert.equal(problem, '', text);
    return Array.from({ length: report.count }, (_, row) => row).filter(holds);
  };
  assert.deepEqual(found('capacity_factor=2 seed!=2 top_k=4'), [6, 8]);
  assert.deepEqual(found('step_time_s<2.05s'), [0]);
  assert.deepEqual(found('step_time<2050ms'), [0]);
  assert.deepEqual(found('failed'), [11]);
  assert.deepEqual(found(''), [...Array(12).keys()]);
  assert.match(rowFilter(report, 'nothing=1').problem, /“nothing=1”/);
  assert.match(rowFilter(report, 'step_time_s<fast').problem, /“step_time_s<fast”/);
});

test('sorting puts what has no number last, both ways', () => {
  const value = (row) => [3, NaN, 1, 2][row];
  assert.deepEqual(sortedRows([0, 1, 2, 3], value, false), [2, 3, 0, 1]);
  assert.deepEqual(sortedRows([0, 1, 2, 3], value, true), [0, 3, 2, 1]);
});

test('numbers are written for people', () => {
  const text = (key, number) => figures.figureText(key, number).replace('\u202f', ' ');
  assert.equal(text('step_time_s', 0.0759731), '75.97 ms');
  assert.equal(text('step_time_s', 2e-6), '2 µs');
  assert.equal(text('step_time_s', 123.4), '123.4 s');
  assert.equal(text('tokens_per_s_per_gpu', 14643.2), '14.64 k tokens/s');
  assert.equal(text('memory_bytes_per_rank.peak', 15.38e9), '15.38 GB');
  assert.equal(text('drop_rate', 0.0542), '5.42 %');
  assert.equal(text('expert_load.max_over_mean', 1.318), '1.318');
  assert.equal(text('validation_loss', NaN), '–');
  assert.equal(text('step_time_s', 0), '0 s');
});

test('differences are shares, of shares points', () => {
  const text = (...numbers) => figures.differenceText(...numbers).replace('\u202f', ' ');
  assert.equal(text('step_time_s', 0.11, 0.1), '+10 %');
  assert.equal(text('step_time_s', 0.05, 0.1), '−50 %');
  assert.equal(text('drop_rate', 0.07, 0.05), '+2 pp');
  assert.equal(text('step_time_s', 0.1, 0.1), '±0');
  assert.equal(text('step_time_s', 5, 0.1), '×50');
  assert.equal(text('step_time_s', 1, NaN), '–');
});

test('quantities have numbers, words have none', () => {
  assert.deepEqual(figures.quantityOf('400 Gb/s'), { number: 400, unit: 'Gb/s' });
  assert.deepEqual(figures.quantityOf(1.25), { number: 1.25, unit: '' });
  assert.equal(figures.quantityOf('torus'), null);
  assert.equal(figures.quantityOf(null), null);
});

test('axes of one last word are told apart', () => {
  const keys = ['router.seed', 'model.seed', 'router.capacity_factor'];
  assert.equal(figures.axisName('router.seed', keys), 'router seed');
  assert.equal(figures.axisName('router.capacity_factor', keys), 'capacity factor');
});

// 0x3fb999999999999a is 0.1; 0x3f800000 is 1 as a float.
test('columns come back as they were packed', () => {
  const doubles = Buffer.from('9a9999999999b93f', 'hex').toString('base64');
  assert.deepEqual([...unpackNumbers({ f8: doubles }, 1)], [0.1]);
  const floats = Buffer.from('0000803f', 'hex').toString('base64');
  assert.deepEqual([...unpackNumbers({ f4: floats }, 1)], [1]);
  assert.deepEqual([...unpackNumbers(2.5, 2)], [2.5, 2.5]);
  assert.deepEqual([...unpackNumbers(null, 1)], [NaN]);
});

test('ticks are round and within their range', () => {
  assert.deepEqual(roundTicks(0.4, 3.2, 3), [1, 2, 3]);
  assert.deepEqual(roundTicks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
});

// WCAG 2.1: white has luminance 1, black 0; on mid grey #777777 (0.184) black has the more contrast.
test('ink stands out from what it is written on', () => {
  near(luminance([255, 255, 255]), 1);
  assert.equal(luminance([0, 0, 0]), 0);
  assert.equal(inkOn([119, 119, 119]), '#000000');
  assert.equal(inkOn([0, 34, 78]), '#ffffff');
});
