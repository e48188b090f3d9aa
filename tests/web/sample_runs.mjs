// SPDX-License-Identifier: Apache-2.0
// Runs for the reports of the tests.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const catalog = join(dirname(fileURLToPath(import.meta.url)), '../../experiments/catalog');

export function moesim(...options) {
  return execFileSync(process.env.MOESIM, options, { encoding: 'utf8', stdio: 'pipe' });
}

export function rowsOf(run) {
  const lines = readFileSync(join(run, 'results.ndjson'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

// Eight fabrics under two routings: named axes.
export function topologies(folder) {
  moesim('run', join(catalog, '20_topologies.json'), '-o', folder);
  return realpathSync(join(folder, '20_topologies', 'latest'));
}

// Capacity factors, group sizes and seeds: numeric axes and repetitions.
export function capacities(folder) {
  const experiment = {
    name: 'capacities',
    extends: join(catalog, '01_moe_step.json'),
    question: 'What does capacity cost?',
    model: { num_hidden_layers: 2 },
    training: { seq_length: 256 },
    network: { fidelity: 'analytic' },
    outputs: { traces: [], report: true },
    objectives: { tokens_per_s_per_gpu: 'max', drop_rate: 'min', 'rank_load.max_over_mean': 'min' },
    sweep: {
      'router.capacity_factor': [1, 1.5, 2],
      'parallel.expert_model_parallel_size': [8, 16, 64],
      'router.seed': [1, 2, 3],
    },
  };
  const file = join(folder, 'capacities.json');
  writeFileSync(file, JSON.stringify(experiment));
  moesim('run', file, '-o', folder);
  return realpathSync(join(folder, 'capacities', 'latest'));
}

export const HOSTILE =
  '<img src=x onerror="window.hostile=1"></script><script>window.hostile=1</script>';

// A copy of a run with markup wherever a text can come from outside, and with points that failed.
export function hostile(run, folder) {
  const copy = join(folder, 'hostile');
  mkdirSync(copy, { recursive: true });
  cpSync(join(run, 'manifest.json'), join(copy, 'manifest.json'));
  const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8'));
  for (const key of ['name', 'question', 'command', 'host', 'moesim', 'status'])
    manifest[key] = HOSTILE;
  const [axis] = manifest.axes;
  manifest.axes[0] = HOSTILE;
  writeFileSync(join(copy, 'manifest.json'), JSON.stringify(manifest));
  const rows = rowsOf(run).map((row, i) => {
    const swept = { ...row.scenario.swept, [HOSTILE]: `${HOSTILE}${row.scenario.swept[axis]}` };
    const scenario = { ...row.scenario, swept };
    if (i % 4 === 3) return { status: 'failed', reason: HOSTILE, scenario };
    const links = row.hottest_links.map((link) => ({ ...link, name: HOSTILE }));
    const tiers = row.link_tiers.map((tier) => ({ ...tier, tier: HOSTILE }));
    const more = {
      routing_source: HOSTILE,
      cost_source: HOSTILE,
      warnings: [HOSTILE],
      [HOSTILE]: i,
    };
    return { ...row, ...more, scenario, hottest_links: links, link_tiers: tiers };
  });
  writeFileSync(
    join(copy, 'results.ndjson'),
    rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  );
  return copy;
}

// 100,000 points of 100 capacity factors and 1,000 seeds, with a few figures each.
export function huge(folder) {
  const run = join(folder, 'huge');
  mkdirSync(run, { recursive: true });
  const count = 100000;
  const axes = ['router.capacity_factor', 'router.seed'];
  const manifest = {
    name: 'huge',
    question: 'So many?',
    status: 'complete',
    axes,
    num_points: count,
  };
  writeFileSync(join(run, 'manifest.json'), JSON.stringify(manifest));
  const lines = [];
  for (let index = 0; index < count; index++) {
    const capacity = 1 + Math.floor(index / 1000) / 100;
    const seed = index % 1000;
    const swept = { 'router.capacity_factor': capacity, 'router.seed': seed };
    const scenario = { point: `id${index}`, index, swept };
    const step = capacity + Math.sin(index) / 10;
    const figures = {
      step_time_s: step,
      tokens_per_s_per_gpu: 1e4 / step,
      drop_rate: 0.3 / capacity,
    };
    const row = { status: 'ok', routing_source: 'synthetic (zipf)', scenario, ...figures };
    lines.push(JSON.stringify(row));
  }
  writeFileSync(join(run, 'results.ndjson'), `${lines.join('\n')}\n`);
  return run;
}
