// SPDX-License-Identifier: Apache-2.0
// Parts of a whole side by side, one bar for each whole, on a common scale.
import { h } from './dom.js';
import { figureText } from './figures.js';

// `bars` are {name, parts: {part: number}}, `colours` {part: CSS colour}, in the order of drawing.
export function stackedBars(bars, colours, figure) {
  const wholes = bars.map(({ parts }) => Object.values(parts).reduce((a, b) => a + (b || 0), 0));
  const largest = Math.max(...wholes);
  const shown = Object.keys(colours).filter((part) => bars.some(({ parts }) => parts[part] > 0));
  const rows = bars.map(({ name, parts }, i) => {
    const pieces = shown.map((part) => {
      const size = parts[part] || 0;
      const text = `${part}: ${figureText(figure, size)}, ${((size / wholes[i]) * 100).toFixed(1)} %`;
      const style = { width: `${(size / largest) * 100}%`, background: colours[part] };
      return h('i', { style, title: text });
    });
    return h(
      'div',
      { class: 'bar-row' },
      h('span', { class: 'bar-name', title: name }, name),
      h('span', { class: 'bar-whole' }, figureText(figure, wholes[i])),
      h('div', { class: 'bar', 'aria-hidden': 'true' }, pieces),
    );
  });
  const legend = shown.map((part) =>
    h('li', {}, h('i', { style: { background: colours[part] } }), part.replaceAll('_', ' ')),
  );
  return h('div', { class: 'bars' }, rows, h('ul', { class: 'legend' }, legend));
}
