// SPDX-License-Identifier: Apache-2.0
// Series of means through a point: along one axis, a line for each value of another, all other
// axes held where the point has them, repetitions averaged.
import { isOk } from './data.js';
import { meanInterval } from './intervals.js';

// Axes that are swept, take more than one value and are no repetition.
export function variedAxes(report) {
  return report.axes.filter((axis) => !axis.isRepetition && axis.values.length > 1);
}

// Rows that agree with `row` on all axes but `free` and repetitions.
export function rowsThrough(report, row, free) {
  const held = variedAxes(report).filter((axis) => !free.includes(axis));
  const rows = [];
  for (let other = 0; other < report.count; other++) {
    if (!isOk(report, other)) continue;
    if (held.every((axis) => axis.rows[other] === axis.rows[row])) rows.push(other);
  }
  return rows;
}

// Of `rows` the one that repeats as `row` does, else the first: what a click on a mean selects.
function representative(report, rows, row) {
  const repetitions = report.axes.filter((axis) => axis.isRepetition);
  const twin = rows.find((other) =>
    repetitions.every((axis) => axis.rows[other] === axis.rows[row]),
  );
  return twin ?? rows[0];
}

function meansAlong(report, numbers, axis, rows, row) {
  const groups = new Map(axis.order.map((place) => [place, []]));
  for (const other of rows) groups.get(axis.rows[other]).push(other);
  return axis.order.map((place) => {
    const group = groups.get(place);
    const interval = meanInterval(group.map((other) => numbers[other]));
    return { place, ...interval, row: representative(report, group, row) };
  });
}

// [{name, place, points: [{place, mean, half, count, row}]}], points in the axis's order. `lines`
// is an axis or null; its values without any number are left out.
export function seriesThrough(report, numbers, { axis, lines, row }) {
  const rows = rowsThrough(report, row, lines ? [axis, lines] : [axis]);
  const places = lines ? lines.order : [0];
  return places
    .map((place) => {
      const own = lines ? rows.filter((other) => lines.rows[other] === place) : rows;
      const name = lines ? lines.texts[place] : '';
      return { name, place, points: meansAlong(report, numbers, axis, own, row) };
    })
    .filter((series) => series.points.some((point) => Number.isFinite(point.mean)));
}

// Of each row the first that is swept alike but for repetitions.
export function firstAlike(report) {
  const axes = variedAxes(report);
  const firsts = new Map();
  return Uint32Array.from({ length: report.count }, (_, row) => {
    const key = axes.map((axis) => axis.rows[row]).join();
    if (!firsts.has(key)) firsts.set(key, row);
    return firsts.get(key);
  });
}

// A figure's means over repetitions, each at the first of its rows; NaN at all others.
export function meansAtFirst(firsts, numbers) {
  const sums = new Float64Array(numbers.length);
  const counts = new Uint32Array(numbers.length);
  for (let row = 0; row < numbers.length; row++) {
    if (!Number.isFinite(numbers[row])) continue;
    sums[firsts[row]] += numbers[row];
    counts[firsts[row]] += 1;
  }
  return sums.map((sum, row) => (counts[row] > 0 ? sum / counts[row] : NaN));
}

// Where the axes that a slice holds stand: "top k 8, fabric torus"; "" where it holds none.
export function heldText(report, row, free) {
  return variedAxes(report)
    .filter((axis) => !free.includes(axis))
    .map((axis) => `${axis.name} ${axis.texts[axis.rows[row]]}`)
    .join(', ');
}
