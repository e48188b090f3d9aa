// SPDX-License-Identifier: Apache-2.0
// All points in two figures: a cloud on a canvas, and on it those that no other beats.
import { rangeOf } from './data.js';
import { h, s } from './dom.js';
import { figureName, figureText, plain, scaleOf } from './figures.js';
import { colour, linear, roomy, roundTicks } from './scales.js';
import { heldText } from './slices.js';

const CLOUD_HEIGHT = 340;
const CLOUD_EDGE = { left: 62, right: 16, top: 12, bottom: 44 };
const NEAR = 18; // pixels at which a click still means a point

function labelled(scale, figure) {
  const unit = scale.unit === '' ? '' : ` (${scale.unit})`;
  return figureName(figure) + unit;
}

function axesOf({ x, y, rangeX, rangeY, width, figures }) {
  const scaleX = scaleOf(figures.x, rangeX.high);
  const scaleY = scaleOf(figures.y, rangeY.high);
  const bottom = CLOUD_HEIGHT - CLOUD_EDGE.bottom;
  const parts = [];
  for (const tick of roundTicks(rangeX.low, rangeX.high, Math.max(3, Math.floor(width / 60)))) {
    parts.push(
      s('line', { x1: x(tick), x2: x(tick), y1: CLOUD_EDGE.top, y2: bottom, class: 'grid' }),
      s('text', { x: x(tick), y: bottom + 17, class: 'tick middle' }, plain(tick * scaleX.factor)),
    );
  }
  for (const tick of roundTicks(rangeY.low, rangeY.high, 6)) {
    const at = { x: CLOUD_EDGE.left - 8, y: y(tick) + 4, class: 'tick end' };
    parts.push(
      s('line', {
        x1: CLOUD_EDGE.left,
        x2: width - CLOUD_EDGE.right,
        y1: y(tick),
        y2: y(tick),
        class: 'grid',
      }),
      s('text', at, plain(tick * scaleY.factor)),
    );
  }
  const upright = `translate(14 ${(CLOUD_EDGE.top + bottom) / 2}) rotate(-90)`;
  const middle = (CLOUD_EDGE.left + width - CLOUD_EDGE.right) / 2;
  parts.push(
    s(
      'text',
      { x: middle, y: CLOUD_HEIGHT - 8, class: 'label middle' },
      labelled(scaleX, figures.x),
    ),
    s('text', { transform: upright, class: 'label middle' }, labelled(scaleY, figures.y)),
  );
  return parts;
}

function drawCloud(canvas, width, places) {
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = CLOUD_HEIGHT * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${CLOUD_HEIGHT}px`;
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.fillStyle = colour('cloud');
  context.globalAlpha = places.length > 2000 ? 0.35 : 0.75;
  const size = places.length > 2000 ? 2 : 4;
  for (const { x, y } of places) {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fill();
  }
}

function frontPoint(report, { row, x, y, figures, isSelected, onSelect, move }) {
  const text = `${heldText(report, row, []) || 'the point'}: ${figureText(figures.x, figures.xs[row])}, ${figureText(figures.y, figures.ys[row])}`;
  const at = { cx: x(figures.xs[row]), cy: y(figures.ys[row]) };
  const keys = (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step && event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (step) move(row, step);
    else onSelect(row);
  };
  return s(
    'g',
    {
      class: 'front-point',
      role: 'option',
      tabindex: isSelected ? 0 : -1,
      'aria-selected': String(isSelected),
      'aria-label': text,
      'data-row': row,
      onkeydown: keys,
    },
    s('title', {}, text),
    s('circle', { ...at, r: 11, fill: 'transparent' }),
    s('circle', { ...at, r: 5.5 }),
  );
}

// `figures` is {x, y: keys, xs, ys: numbers}; `front` rows by rising x; `selected` a row.
export function tradeOff(host, width, { report, figures, front, selected, onSelect }) {
  const known = [];
  for (let row = 0; row < report.count; row++) {
    if (Number.isFinite(figures.xs[row]) && Number.isFinite(figures.ys[row])) known.push(row);
  }
  if (known.length === 0) {
    host.append(h('p', { class: 'quiet' }, 'No point has both figures.'));
    return;
  }
  const rangeX = roomy(rangeOf(known.map((row) => figures.xs[row])));
  const rangeY = roomy(rangeOf(known.map((row) => figures.ys[row])));
  const x = linear(rangeX, CLOUD_EDGE.left, width - CLOUD_EDGE.right);
  const y = linear(rangeY, CLOUD_HEIGHT - CLOUD_EDGE.bottom, CLOUD_EDGE.top);
  const places = known.map((row) => ({ row, x: x(figures.xs[row]), y: y(figures.ys[row]) }));
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  drawCloud(canvas, width, places);
  const move = (row, step) => {
    const next = front[front.indexOf(row) + step];
    if (next === undefined) return;
    onSelect(next);
    host.querySelector(`[data-row="${next}"]`)?.focus();
  };
  const path = front.map((row) => `${x(figures.xs[row])},${y(figures.ys[row])}`).join(' ');
  const entry = front.includes(selected) ? selected : front[0];
  const points = front.map((row) =>
    frontPoint(report, { row, x, y, figures, isSelected: row === entry, onSelect, move }),
  );
  const isShown = Number.isFinite(figures.xs[selected]) && Number.isFinite(figures.ys[selected]);
  const ring = { cx: x(figures.xs[selected]), cy: y(figures.ys[selected]), r: 9, class: 'ring' };
  const svg = s(
    'svg',
    { width, height: CLOUD_HEIGHT, viewBox: `0 0 ${width} ${CLOUD_HEIGHT}` },
    s('g', { 'aria-hidden': 'true' }, axesOf({ x, y, rangeX, rangeY, width, figures })),
    s('polyline', { points: path, class: 'front-line', 'aria-hidden': 'true' }),
    s('g', { role: 'listbox', 'aria-label': 'Points that no other beats' }, points),
    isShown && s('circle', { ...ring, 'aria-hidden': 'true' }),
  );
  svg.addEventListener('click', (event) => {
    const box = svg.getBoundingClientRect();
    const distance = (place) =>
      Math.hypot(place.x - event.clientX + box.left, place.y - event.clientY + box.top);
    const nearest = places.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    if (distance(nearest) <= NEAR) onSelect(nearest.row);
  });
  host.append(h('div', { class: 'layers', style: { height: `${CLOUD_HEIGHT}px` } }, canvas, svg));
}
