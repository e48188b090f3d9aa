// SPDX-License-Identifier: Apache-2.0
// The embedded document (docs/file_formats.md, "Report") as columns.
import { axisName, quantityOf } from './figures.js';

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

// `count` numbers; NaN where there is none.
export function unpackNumbers(packed, count) {
  if (packed === null) return new Float64Array(count).fill(NaN);
  if (typeof packed === 'number') return new Float64Array(count).fill(packed);
  if ('f4' in packed) return new Float32Array(bytesOf(packed.f4));
  return new Float64Array(bytesOf(packed.f8));
}

export function unpackCounts(packed, count) {
  if (packed === null || typeof packed === 'number') {
    return new Uint32Array(count).fill(packed ?? 0);
  }
  return new Uint32Array(bytesOf(packed.u4));
}

// A swept value as people write it.
export function textOfValue(value) {
  if (value === null) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function decodeAxis({ key, values, rows }, count) {
  const axis = { key, values, rows: unpackCounts(rows, count) };
  axis.texts = values.map(textOfValue);
  axis.isRepetition = /seed$/.test(key);
  const quantities = values.map(quantityOf);
  const unit = quantities[0]?.unit;
  axis.isNumeric = quantities.every((quantity) => quantity && quantity.unit === unit);
  axis.numbers = axis.isNumeric ? quantities.map((quantity) => quantity.number) : null;
  axis.unit = axis.isNumeric ? unit : '';
  // The order to show the values in: numbers rise, others come as they were written.
  axis.order = values.map((_, place) => place);
  if (axis.isNumeric) axis.order.sort((a, b) => axis.numbers[a] - axis.numbers[b]);
  return axis;
}

function decodeTexts({ values, rows }, count) {
  const places = unpackCounts(rows, count);
  return { values, at: (row) => values[places[row]] ?? null };
}

function decodeFigures(list, count) {
  return new Map(
    list.map(({ key, docs, numbers }) => [
      key,
      { key, docs, numbers: unpackNumbers(numbers, count) },
    ]),
  );
}

function decodeBaseline(baseline, count) {
  if (!baseline) return null;
  const figures = Object.entries(baseline.figures).map(([key, packed]) => [
    key,
    unpackNumbers(packed, count),
  ]);
  return { ...baseline, figures: new Map(figures) };
}

export function decodeReport(json) {
  const count = json.points.count;
  const report = {
    run: json.run,
    objectives: json.objectives,
    count,
    index: unpackCounts(json.points.index, count),
    ids: json.points.ids.split(' '),
    status: decodeTexts(json.points.status, count),
    reason: decodeTexts(json.points.reason, count),
    source: decodeTexts(json.points.routing_source, count),
    axes: json.axes.map((axis) => decodeAxis(axis, count)),
    figures: decodeFigures(json.figures, count),
    details: json.details,
    baseline: decodeBaseline(json.baseline, count),
  };
  const keys = report.axes.map((axis) => axis.key);
  for (const axis of report.axes) axis.name = axisName(axis.key, keys);
  return report;
}

export function isOk(report, row) {
  return report.status.at(row) === 'ok';
}

// Smallest and largest finite number; null where there is none.
export function rangeOf(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    if (!Number.isFinite(number)) continue;
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return low <= high ? { low, high } : null;
}
