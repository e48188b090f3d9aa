// SPDX-License-Identifier: Apache-2.0
// The selected point: its figures, where its time goes, its loads, links and memory.
import { isOk } from './data.js';
import { h, numbersTable, onWidth, replaceChildren } from './dom.js';
import { differenceText, figureName, figureText, plain, scaleOf } from './figures.js';
import { pointTag } from './header.js';
import { layerChart } from './layer_chart.js';
import { colour } from './scales.js';
import { compareWith, on, referenceFigure, state } from './state.js';
import { stackedBars } from './stacked_bar.js';

const KEY_FIGURES = [
  'step_time_s',
  'analytic_floor_s',
  'tokens_per_s',
  'tokens_per_s_per_gpu',
  'tflops_per_gpu',
  'mfu',
  'exposed_communication_s',
  'drop_rate',
  'padding_share',
  'validation_loss',
  'expert_load.max_over_mean',
  'rank_load.max_over_mean',
  'all_to_all.busbw_gbps',
  'memory_bytes_per_rank.peak',
];
// Phases in the order of a step; computation in cool colours, communication in warm ones.
const PHASES = [
  ['embedding', 'phase-5'],
  ['attention', 'phase-0'],
  ['router', 'phase-1'],
  ['dense_ffn', 'phase-2'],
  ['shared_expert', 'phase-3'],
  ['expert', 'phase-4'],
  ['head', 'phase-6'],
  ['optimizer', 'phase-7'],
  ['dispatch', 'phase-8'],
  ['combine', 'phase-9'],
  ['all_reduce', 'phase-10'],
  ['idle', 'phase-11'],
];
const MEMORY = [
  ['weights', 'phase-0'],
  ['gradients', 'phase-1'],
  ['optimizer', 'phase-4'],
  ['activations', 'phase-8'],
];

function partsOf(numberOf, family, keys) {
  return Object.fromEntries(keys.map(([key]) => [key, numberOf(`${family}.${key}`)]));
}

function coloursOf(keys) {
  return Object.fromEntries(keys.map(([key, name]) => [key, colour(name)]));
}

function valuesList(report, row) {
  const rows = report.axes.map((axis) => [
    h('dt', { title: axis.key }, axis.name),
    h('dd', {}, axis.texts[axis.rows[row]]),
  ]);
  return rows.length > 0 && h('dl', { class: 'values' }, rows);
}

function referenceName(report) {
  if (state.reference === 'baseline') return 'baseline';
  return `point ${report.index[state.reference]}`;
}

function compares(row) {
  return state.reference !== null && state.reference !== row;
}

// A number in the unit that the other one is written in, without it.
function digitsBeside(key, number, other) {
  return plain(number * scaleOf(key, other).factor);
}

function figureRows(report, row, keys) {
  return keys
    .filter((key) => Number.isFinite(report.figures.get(key)?.numbers[row]))
    .map((key) => {
      const number = report.figures.get(key).numbers[row];
      const reference = referenceFigure(report, key, row);
      const cells = compares(row)
        ? [
            h('td', {}, digitsBeside(key, reference, number)),
            h('td', { class: 'difference' }, differenceText(key, number, reference)),
          ]
        : [];
      const name = h('th', { scope: 'row', title: report.figures.get(key).docs }, figureName(key));
      return h('tr', {}, name, h('td', {}, figureText(key, number)), cells);
    });
}

function figureTable(report, row, keys) {
  const head = compares(row)
    ? ['Figure', 'Here', referenceName(report), 'Change']
    : ['Figure', 'Here'];
  return h(
    'table',
    { class: 'figures' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        head.map((text) => h('th', { scope: 'col' }, text)),
      ),
    ),
    h('tbody', {}, figureRows(report, row, keys)),
  );
}

// The selected point, what it is compared with, and the best points, each once.
function pointsBeside(report, row) {
  const numbersAt = (other) => (key) => report.figures.get(key)?.numbers[other] ?? NaN;
  const bars = [{ name: `point ${report.index[row]}`, numberOf: numbersAt(row) }];
  if (compares(row)) {
    bars.push({
      name: referenceName(report),
      numberOf: (key) => referenceFigure(report, key, row),
    });
  }
  const seen = new Set([row, state.reference]);
  for (const objective of report.objectives) {
    const { best, figure } = objective;
    if (seen.has(best)) continue;
    seen.add(best);
    const name = `best ${figureName(figure).toLowerCase()}`;
    bars.push({ name, numberOf: numbersAt(best) });
  }
  return bars;
}

function timeSection(report, row) {
  const beside = pointsBeside(report, row);
  const bars = beside.map(({ name, numberOf }) => ({
    name,
    parts: partsOf(numberOf, 'phase_time_s', PHASES),
  }));
  const own = beside[0].numberOf;
  const mean = { name: 'its mean rank', parts: partsOf(own, 'mean_rank_time_s', PHASES) };
  bars.splice(1, 0, mean);
  const shown = PHASES.filter(([key]) => bars.some(({ parts }) => parts[key] > 0));
  const rows = shown.map(([key]) => [
    key.replaceAll('_', ' '),
    ...bars.map(({ parts }) => figureText('phase_time_s', parts[key])),
  ]);
  return [
    h('h3', {}, 'Where the time goes'),
    h('p', { class: 'quiet' }, 'Seconds of the critical path, by phase.'),
    stackedBars(bars, coloursOf(PHASES), 'phase_time_s'),
    numbersTable(['Phase', ...bars.map(({ name }) => name)], rows),
  ];
}

function memorySection(report, row) {
  const numberOf = (key) => report.figures.get(key)?.numbers[row] ?? NaN;
  const bars = [
    { name: 'fullest rank', parts: partsOf(numberOf, 'memory_bytes_per_rank', MEMORY) },
  ];
  const figure = 'memory_bytes_per_rank.peak';
  return [h('h3', {}, 'Memory'), stackedBars(bars, coloursOf(MEMORY), figure)];
}

function meter(share) {
  const width = `${Math.min(100, Math.max(0, share * 100))}%`;
  return h('span', { class: 'meter', 'aria-hidden': 'true' }, h('i', { style: { width } }));
}

function linkTable(head, links, cells) {
  return h(
    'table',
    { class: 'figures links' },
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
      links.map((link) => h('tr', {}, cells(link))),
    ),
  );
}

function tierCells(link, deciding, held) {
  return [
    h('th', { scope: 'row' }, link.tier, link.tier === deciding && h('em', {}, ' decides')),
    h('td', {}, meter(link.busy_fraction), `${plain(link.busy_fraction * 100, 3)}\u202f%`),
    h('td', {}, held > 0 ? `${plain((link.bound_time_s / held) * 100, 3)}\u202f%` : '–'),
    h('td', {}, figureText('link_bytes', link.bytes)),
  ];
}

function linkCells(link) {
  return [
    h('th', { scope: 'row' }, link.name),
    h('td', {}, meter(link.busy_fraction), `${plain(link.busy_fraction * 100, 3)}\u202f%`),
    h('td', {}, figureText('link_bytes', link.bytes)),
    h('td', {}, link.rank === null ? '–' : String(link.rank)),
  ];
}

function linkSection(details) {
  const tiers = details.link_tiers ?? [];
  const hottest = details.hottest_links ?? [];
  const parts = [h('h3', {}, 'Links')];
  if (tiers.length === 0) parts.push(h('p', { class: 'quiet' }, 'The network carried nothing.'));
  if (tiers.length > 0) {
    const head = ['Tier', 'Busiest link', 'Holds', 'Carried'];
    const note = 'Holds: the collectives whose busiest link is one of the tier’s, by their time.';
    const held = tiers.reduce((sum, link) => sum + link.bound_time_s, 0);
    parts.push(h('p', { class: 'quiet' }, note));
    parts.push(linkTable(head, tiers, (link) => tierCells(link, details.deciding_tier, held)));
  }
  if (hottest.length > 0) {
    const head = ['Most loaded link', 'Busy', 'Carried', 'Rank'];
    parts.push(linkTable(head, hottest, linkCells));
  }
  return parts.map((part) =>
    part.tagName === 'TABLE'
      ? h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Link use' }, part)
      : part,
  );
}

function jobSection(jobs) {
  if (!jobs?.length) return [];
  const head = ['Job', 'Step time', 'Tokens/s', 'Drop rate'];
  const cells = (job) => [
    h('th', { scope: 'row' }, job.name),
    h('td', {}, figureText('step_time_s', job.step_time_s)),
    h('td', {}, figureText('tokens_per_s', job.tokens_per_s)),
    h('td', {}, figureText('drop_rate', job.drop_rate)),
  ];
  return [h('h3', {}, 'Jobs on the cluster'), linkTable(head, jobs, cells)];
}

function detailSections(report, row, width) {
  const details = report.details[row];
  if (!details) {
    const count = Object.keys(report.details).length;
    const text = `Layers and links are kept here for the ${count} best points; those of this one are in its row of results.ndjson.`;
    return [h('p', { class: 'quiet' }, text)];
  }
  return [
    h('h3', {}, 'Load by layer'),
    h('p', { class: 'quiet' }, 'The busiest over the mean; 1 is even.'),
    layerChart(details.load_by_layer, width),
    ...linkSection(details),
    ...jobSection(details.jobs),
  ];
}

function referenceButtons(report, row) {
  const buttons = [];
  if (state.reference !== row && report.count > 1) {
    buttons.push(['Compare with this point', () => compareWith(row)]);
  }
  if (state.reference !== 'baseline' && report.baseline) {
    buttons.push(['Compare with the baseline', () => compareWith('baseline')]);
  }
  if (state.reference !== null) buttons.push(['Stop comparing', () => compareWith(null)]);
  return h(
    'div',
    { class: 'buttons' },
    buttons.map(([text, onclick]) => h('button', { type: 'button', onclick }, text)),
  );
}

// The first two in view, more of them behind a click.
function warningList(warnings) {
  if (warnings.length === 0) return null;
  const list = h(
    'ul',
    {},
    warnings.map((text) => h('li', {}, text)),
  );
  if (warnings.length <= 2) return h('div', { class: 'warnings' }, list);
  const summary = h('summary', {}, `${warnings.length} warnings`);
  return h('details', { class: 'warnings' }, summary, list);
}

function okPoint(report, row, width) {
  const { warnings = [], cost_source: costSource } = report.details[row] ?? {};
  const others = [...report.figures.keys()].filter((key) => !KEY_FIGURES.includes(key));
  return [
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Key figures' },
      figureTable(report, row, KEY_FIGURES),
    ),
    costSource && h('p', { class: 'quiet' }, `Compute times: ${costSource}.`),
    referenceButtons(report, row),
    warningList(warnings),
    timeSection(report, row),
    detailSections(report, row, width),
    memorySection(report, row),
    h(
      'details',
      { class: 'numbers' },
      h('summary', {}, 'All other figures'),
      figureTable(report, row, others),
    ),
  ];
}

export function pointPanel(report) {
  const host = h('div', {});
  let width = 0;
  const draw = () => {
    const row = state.selected;
    if (row < 0 || width === 0) return;
    const name = report.count === 1 ? 'The point' : `Point ${report.index[row]}`;
    const openDetails = [...host.querySelectorAll('details')].map((element) => element.open);
    replaceChildren(
      host,
      h('div', { class: 'section-head' }, h('h2', { id: 'point' }, name), pointTag(report, row)),
      h('p', { class: 'quiet id' }, `id ${report.ids[row]}`),
      valuesList(report, row),
      isOk(report, row)
        ? okPoint(report, row, width)
        : h(
            'p',
            { class: 'routing synthetic' },
            h('b', {}, report.status.at(row)),
            `: ${report.reason.at(row)}`,
          ),
    );
    [...host.querySelectorAll('details')].forEach(
      (element, i) => (element.open = openDetails[i] ?? false),
    );
  };
  on('selection reference theme', draw);
  onWidth(host, (now) => {
    width = now;
    draw();
  });
  return h('aside', { class: 'panel', tabindex: 0, 'aria-labelledby': 'point' }, host);
}
