// SPDX-License-Identifier: Apache-2.0
// What was asked, what came of it, where the routing came from, and who made the run.
import { h } from './dom.js';
import { on, setTheme, state } from './state.js';

const THEMES = [
  ['auto', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function kindOf(source) {
  return source?.startsWith('synthetic') ? 'synthetic' : 'real';
}

// The tag of one routing source: drawn routing is always called synthetic.
function tagOf(source) {
  if (!source) return null;
  const kind = kindOf(source);
  const text =
    kind === 'synthetic' ? 'synthetic routing' : source.replace(/ \(.*/, '') + ' routing';
  return h('span', { class: `tag ${kind}`, title: source }, text);
}

export function pointTag(report, row) {
  return tagOf(report.source.at(row));
}

function routingKinds(report) {
  return new Set(report.source.values.filter((source) => source !== null).map(kindOf));
}

// Where points differ in it, a figure says by itself where its routing came from.
export function isMixed(report) {
  return routingKinds(report).size > 1;
}

// The tag beside a heading under which figures stand.
export function runTag(report) {
  const sources = report.source.values.filter((source) => source !== null);
  if (!isMixed(report)) return tagOf(sources[0]);
  const title = sources.join('; ');
  return h('span', { class: 'tag synthetic', title }, 'partly synthetic routing');
}

export function sectionHead(report, id, title, ...more) {
  return h(
    'div',
    { class: 'section-head' },
    h('h2', { id }, title),
    runTag(report),
    more.length > 0 && h('div', { class: 'choices' }, more),
  );
}

function themeSwitch() {
  const buttons = THEMES.map(([theme, name]) =>
    h('button', { type: 'button', 'data-theme-name': theme, onclick: () => setTheme(theme) }, name),
  );
  const press = () => {
    for (const button of buttons) {
      button.setAttribute('aria-pressed', String(button.dataset.themeName === state.theme));
    }
  };
  on('theme', press);
  press();
  return h('div', { class: 'switch', role: 'group', 'aria-label': 'Colours' }, buttons);
}

export function topBar(report, links) {
  const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
  const nav = links.map(([id, name]) => h('a', { href: `#${id}` }, name));
  return h(
    'header',
    { class: 'top' },
    h('div', { class: 'brand' }, mark, h('span', {}, 'moesim'), h('b', {}, report.run.name ?? '')),
    h('nav', { 'aria-label': 'Sections' }, nav),
    themeSwitch(),
  );
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

// How many points there are of each status.
function countsOf(report) {
  const counts = { ok: 0, failed: 0, skipped: 0 };
  for (let row = 0; row < report.count; row++) counts[report.status.at(row)] += 1;
  return counts;
}

function facts(report) {
  const { run, count } = report;
  const counts = countsOf(report);
  const all =
    run.num_points > count
      ? `${count} of ${plural(run.num_points, 'point')}`
      : plural(count, 'point');
  const parts = [
    h('span', {}, all),
    h('span', { class: 'good' }, `${counts.ok.toLocaleString('en')} ok`),
  ];
  if (counts.failed > 0) parts.push(h('span', { class: 'bad' }, `${counts.failed} failed`));
  if (counts.skipped > 0) parts.push(h('span', { class: 'bad' }, `${counts.skipped} skipped`));
  if (run.status && run.status !== 'complete')
    parts.push(h('span', { class: 'bad' }, `run: ${run.status}`));
  if (run.start) parts.push(h('span', {}, run.start.slice(0, 10)));
  return h('p', { class: 'facts' }, parts);
}

function routingSentence(report) {
  const sources = report.source.values.filter((source) => source !== null);
  if (sources.length === 0) return null;
  const isSynthetic = sources.some((source) => kindOf(source) === 'synthetic');
  const words = isSynthetic
    ? 'Synthetic routing: experts were drawn from a distribution, not chosen by a gate. Figures show that traffic, and say nothing of quality.'
    : 'Every token’s experts come from a real gate or a recorded trace.';
  const shown = sources.slice(0, 6).join(', ') + (sources.length > 6 ? ', …' : '');
  return h(
    'p',
    { class: `routing ${isSynthetic ? 'synthetic' : 'real'}` },
    h('b', {}, shown),
    ' ',
    words,
  );
}

export function hero(report) {
  const { run } = report;
  const axes = report.axes.map((axis) =>
    h('li', { title: axis.key }, `${axis.name} `, h('b', {}, `× ${axis.values.length}`)),
  );
  return h(
    'section',
    { class: 'hero', 'aria-label': 'The question' },
    h('p', { class: 'eyebrow' }, run.question ? run.name : 'Experiment'),
    h('h1', {}, run.question || run.name || 'A run'),
    facts(report),
    axes.length > 0 && h('ul', { class: 'axes', 'aria-label': 'Swept keys' }, axes),
    routingSentence(report),
  );
}

// Points that have no figures, by reason.
export function failures(report) {
  const groups = new Map();
  for (let row = 0; row < report.count; row++) {
    if (report.status.at(row) === 'ok') continue;
    const key = `${report.status.at(row)}: ${report.reason.at(row) || 'no reason given'}`;
    groups.set(key, [...(groups.get(key) ?? []), report.index[row]]);
  }
  if (groups.size === 0) return null;
  const items = [...groups].slice(0, 50).map(([reason, points]) => {
    const shown = points.slice(0, 12).join(', ') + (points.length > 12 ? ', …' : '');
    return h(
      'li',
      {},
      h('b', {}, reason),
      h('span', {}, `${plural(points.length, 'point')}: ${shown}`),
    );
  });
  return h(
    'section',
    { 'aria-labelledby': 'failures' },
    h('div', { class: 'section-head' }, h('h2', { id: 'failures' }, 'Points without figures')),
    h('ul', { class: 'failures card' }, items),
  );
}

function versionsText(versions) {
  return Object.entries(versions ?? {})
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

function factRows(run) {
  return [
    ['Command', run.command && h('code', {}, run.command)],
    ['moesim', [run.moesim, run.commit].filter(Boolean).join(', commit ')],
    ['Built with', versionsText(run.versions)],
    ['Machine', run.host],
    ['Began', run.start],
    ['Ended', run.end],
    ['Status', run.status],
    ['Folder', run.folder],
    ['Hash of the points', run.config_hash],
  ].filter(([, value]) => value);
}

export function provenance(report) {
  const list = (run) =>
    h(
      'dl',
      { class: 'facts-list' },
      factRows(run).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    );
  const { baseline } = report;
  return h(
    'section',
    { 'aria-labelledby': 'provenance' },
    h('div', { class: 'section-head' }, h('h2', { id: 'provenance' }, 'Provenance')),
    h('div', { class: 'card' }, list(report.run)),
    baseline && h('h3', {}, 'Baseline'),
    baseline &&
      h('div', { class: 'card' }, baseline.label && h('p', {}, baseline.label), list(baseline.run)),
  );
}
