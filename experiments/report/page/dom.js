// SPDX-License-Identifier: Apache-2.0
// Elements from names, attributes and children. Texts become text nodes, so that nothing of the
// data is read as markup.

const SVG = 'http://www.w3.org/2000/svg';

function isChild(child) {
  return child !== null && child !== undefined && child !== false && child !== '';
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(isChild));
  return element;
}

export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function replaceChildren(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(isChild));
}

// Calls `draw(width)` now and whenever the element's width has changed.
export function onWidth(element, draw) {
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.floor(element.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    draw(width);
  }).observe(element);
}

// A labelled <select>; `options` are [value, text].
export function choice(label, options, value, onchange) {
  const select = h(
    'select',
    { onchange: (event) => onchange(event.target.value) },
    options.map(([own, text]) => h('option', { value: own, selected: own === value }, text)),
  );
  return h('label', { class: 'choice' }, h('span', {}, label), select);
}

// A picture's numbers for those who cannot see or point at it.
export function numbersTable(head, rows) {
  return h(
    'details',
    { class: 'numbers' },
    h('summary', {}, 'Numbers'),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Numbers of the chart' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head.map((text) => h('th', { scope: 'col' }, text)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map(([first, ...cells]) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, first),
              cells.map((cell) => h('td', {}, cell)),
            ),
          ),
        ),
      ),
    ),
  );
}
