// SPDX-License-Identifier: Apache-2.0
// What the page's parts share: which point is selected, what it is compared with, and the theme.

const listeners = { selection: [], reference: [], theme: [] };
// `selected` is a row; `reference` a row, 'baseline' or null.
export const state = { selected: -1, reference: null, theme: 'auto' };

export function on(events, listener) {
  for (const event of events.split(' ')) listeners[event].push(listener);
}

function tell(event) {
  for (const listener of listeners[event]) listener();
}

export function select(row) {
  if (row === undefined || row === state.selected) return;
  state.selected = row;
  tell('selection');
}

export function compareWith(reference) {
  state.reference = reference;
  tell('reference');
}

export function setTheme(theme) {
  state.theme = theme;
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('moesim-theme', theme);
  } catch {
    // A browser that keeps nothing for files asks again next time.
  }
  tell('theme');
}

export function startTheme() {
  let theme = 'auto';
  try {
    theme = localStorage.getItem('moesim-theme') ?? 'auto';
  } catch {
    // As above.
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => tell('theme'));
  setTheme(['light', 'dark'].includes(theme) ? theme : 'auto');
}

// The reference's figure for a row, NaN where there is none.
export function referenceFigure(report, key, row) {
  if (state.reference === null) return NaN;
  if (state.reference === 'baseline') return report.baseline.figures.get(key)?.[row] ?? NaN;
  return report.figures.get(key)?.numbers[state.reference] ?? NaN;
}
