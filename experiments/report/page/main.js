// SPDX-License-Identifier: Apache-2.0
// Reads the embedded document and puts the page together.
import { bestPoints } from './best_points.js';
import { axisCharts, heatSection, tradeOffSection } from './charts.js';
import { decodeReport } from './data.js';
import { h } from './dom.js';
import { failures, hero, provenance, topBar } from './header.js';
import { pointPanel } from './point_panel.js';
import { pointsSection } from './points_table.js';
import { variedAxes } from './slices.js';
import { compareWith, on, select, startTheme, state } from './state.js';

// The point that the address names, else the best for the first objective, else any.
function firstPoint(report) {
  const named = /^#point-(\d+)$/.exec(location.hash);
  const row = named ? report.index.indexOf(Number(named[1])) : -1;
  if (row >= 0) return row;
  if (report.objectives.length > 0) return report.objectives[0].best;
  return report.count > 0 ? 0 : -1;
}

function rememberPoint(report) {
  on('selection', () => {
    if (report.count > 1) history.replaceState(null, '', `#point-${report.index[state.selected]}`);
  });
}

function sections(report) {
  const hasAxes = variedAxes(report).length > 0;
  const hasFigures = report.count > 0 && report.status.values.includes('ok');
  return [
    report.objectives.length > 0 && bestPoints(report),
    hasFigures && hasAxes && axisCharts(report),
    hasFigures && hasAxes && heatSection(report),
    hasFigures && tradeOffSection(report),
    pointsSection(report),
    failures(report),
    provenance(report),
  ].filter(Boolean);
}

function linksTo(parts) {
  const headings = parts.flatMap((part) => [...part.querySelectorAll('h2')]);
  return headings.map((heading) => [heading.id, heading.textContent]);
}

function start() {
  const report = decodeReport(JSON.parse(document.getElementById('report-data').textContent));
  document.title = `${report.run.name}: moesim report`;
  startTheme();
  if (report.baseline) compareWith('baseline');
  select(firstPoint(report));
  rememberPoint(report);
  const parts = sections(report);
  const panel = report.count > 0 && pointPanel(report);
  const body = h(
    'main',
    { id: 'main' },
    hero(report),
    h('div', { class: 'columns' }, h('div', { class: 'parts' }, parts), panel),
  );
  document.getElementById('page').append(topBar(report, linksTo(parts)), body);
  const jump = h('a', { class: 'jump', href: '#point' }, 'Selected point');
  if (panel && report.count > 1) {
    body.append(jump);
    new IntersectionObserver(([entry]) => (jump.hidden = entry.isIntersecting)).observe(panel);
  }
}

start();
