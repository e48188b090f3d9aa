// SPDX-License-Identifier: Apache-2.0
// Load by MoE layer: the busiest over the mean, of experts and of ranks.
import { h, s } from './dom.js';
import { plain } from './figures.js';
import { linear, roundTicks, seriesColour } from './scales.js';

const LAYERS_HEIGHT = 150;
const LAYERS_EDGE = { left: 40, right: 10, top: 8, bottom: 34 };
const LOAD_LINES = [
  ['expert_demand', 'experts, before drops', 1],
  ['expert_load', 'experts, kept', 0],
  ['rank_load', 'ranks, kept', 2],
];

function ticksOfLayers(count) {
  const step = Math.max(1, Math.ceil(count / 8));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

export function layerChart(loads, width) {
  const lines = LOAD_LINES.filter(([key]) => loads?.[key]?.length > 0);
  if (lines.length === 0) return h('p', { class: 'quiet' }, 'No MoE layers.');
  const count = Math.max(...lines.map(([key]) => loads[key].length));
  const high = Math.max(...lines.flatMap(([key]) => loads[key])) * 1.05;
  const y = linear(
    { low: 1, high: Math.max(1.1, high) },
    LAYERS_HEIGHT - LAYERS_EDGE.bottom,
    LAYERS_EDGE.top,
  );
  const x = linear({ low: -0.5, high: count - 0.5 }, LAYERS_EDGE.left, width - LAYERS_EDGE.right);
  const svg = s('svg', { width, height: LAYERS_HEIGHT, 'aria-hidden': 'true' });
  for (const tick of roundTicks(1, Math.max(1.1, high), 4)) {
    const at = { x1: LAYERS_EDGE.left, x2: width - LAYERS_EDGE.right, y1: y(tick), y2: y(tick) };
    svg.append(s('line', { ...at, class: 'grid' }));
    svg.append(
      s('text', { x: LAYERS_EDGE.left - 6, y: y(tick) + 4, class: 'tick end' }, plain(tick)),
    );
  }
  for (const layer of ticksOfLayers(count)) {
    const at = { x: x(layer), y: LAYERS_HEIGHT - LAYERS_EDGE.bottom + 15, class: 'tick middle' };
    svg.append(s('text', at, String(layer)));
  }
  const middle = (LAYERS_EDGE.left + width) / 2;
  svg.append(s('text', { x: middle, y: LAYERS_HEIGHT - 3, class: 'tick middle' }, 'MoE layer'));
  for (const [key, name, place] of lines) {
    const stroke = seriesColour(place);
    const points = loads[key].map((load, layer) => [x(layer), y(load)]);
    svg.append(
      s('polyline', { points: points.join(' '), fill: 'none', stroke, 'stroke-width': 2 }),
    );
    for (const [layer, [cx, cy]] of points.entries()) {
      const text = `layer ${layer}, ${name}: ${plain(loads[key][layer])}`;
      svg.append(s('circle', { cx, cy, r: 3.5, fill: stroke }, s('title', {}, text)));
    }
  }
  const legend = lines.map(([, name, place]) =>
    h('li', {}, h('i', { style: { background: seriesColour(place) } }), name),
  );
  return h('div', {}, svg, h('ul', { class: 'legend' }, legend));
}
