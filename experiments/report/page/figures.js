// SPDX-License-Identifier: Apache-2.0
// Figures by key: what they are called, their unit, and how a person writes such a number.

const NAMES = {
  step_time_s: 'Step time',
  tokens_per_s: 'Tokens per second',
  tokens_per_s_per_gpu: 'Tokens/s per GPU',
  tflops_per_gpu: 'TFLOP/s per GPU',
  mfu: 'MFU',
  peak_tflops_used: 'Peak used',
  analytic_floor_s: 'Analytic floor',
  exposed_communication_s: 'Exposed communication',
  overlap_fraction: 'Overlapped communication',
  drop_rate: 'Drop rate',
  padding_share: 'Padding share',
  validation_loss: 'Validation loss',
  'all_to_all.busbw_gbps': 'All-to-all bus bandwidth',
  'all_to_all.mean_send_bytes': 'All-to-all payload, mean',
  'all_to_all.max_send_bytes': 'Most sent by a rank',
  'all_to_all.max_receive_bytes': 'Most received by a rank',
  'all_to_all.inter_node_bytes': 'Between nodes',
};
const FAMILIES = {
  phase_time_s: 'Critical path',
  mean_rank_time_s: 'Mean rank',
  memory_bytes_per_rank: 'Memory',
  repetition: 'Repetition',
};
const SHARES = new Set(['mfu', 'drop_rate', 'padding_share', 'overlap_fraction', 'busy_fraction']);
const HIGHER_IS_BETTER =
  /^(tokens_per_s|tflops_per_gpu|mfu|overlap_fraction|all_to_all\.busbw)|\.(balancedness|entropy)$/;
const PREFIXES = ['p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P'];
const BASE_PREFIX = PREFIXES.indexOf('');

function words(key) {
  return key.replaceAll('_', ' ');
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function figureName(key) {
  if (NAMES[key]) return NAMES[key];
  const [family, ...rest] = key.split('.');
  if (rest.length === 0) return sentence(words(key.replace(/_(s|bytes|gbps)$/, '')));
  const own = words(rest.join(' ')).replace('max over mean', 'max/mean');
  return `${FAMILIES[family] ?? sentence(words(family))}: ${own === 'cv' ? 'CV' : own}`;
}

// "", "s", "B", "%", ... A figure without a unit is a plain number.
export function unitOf(key) {
  const [family] = key.split('.');
  if (SHARES.has(key.split('.').pop())) return '%';
  if (key.startsWith('tokens_per_s')) return 'tokens/s';
  if (family === 'memory_bytes_per_rank' || key.endsWith('_bytes')) return 'B';
  if (key.endsWith('_gbps')) return 'GB/s';
  if (key.includes('tflops')) return 'TFLOP/s';
  if (key === 'validation_loss') return 'nats/byte';
  if (/_time_s$|_s$/.test(family)) return 's';
  return '';
}

export function isHigherBetter(key) {
  return HIGHER_IS_BETTER.test(key);
}

// A number to four digits, without an exponent where there is room: 1.25, 0.0483, 14 643.
export function plain(number, digits = 4) {
  if (!Number.isFinite(number)) return '–';
  if (number === 0) return '0';
  const size = Math.abs(number);
  if (size >= 1e7 || size < 1e-4) return number.toExponential(digits - 1).replace('e+', 'e');
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = number.toFixed(Math.min(decimals, 12));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

// How all numbers of one size are written: {factor, unit} so that number * factor is in `unit`.
export function scaleOf(key, largest) {
  const unit = unitOf(key);
  if (unit === '%') return { factor: 100, unit: '%' };
  if (unit === 's' || unit === 'B' || unit === 'tokens/s') {
    const size = Math.abs(largest);
    if (!(size > 0) || !Number.isFinite(size)) return { factor: 1, unit };
    const step = Math.floor(Math.log10(size * (1 + 1e-12)) / 3);
    const lowest = unit === 's' ? 0 : BASE_PREFIX;
    const highest = unit === 's' ? BASE_PREFIX : PREFIXES.length - 1;
    const place = Math.min(highest, Math.max(lowest, step + BASE_PREFIX));
    const prefix = PREFIXES[place];
    const gap = unit === 'tokens/s' && prefix !== '' ? ' ' : '';
    return { factor: 10 ** (-3 * (place - BASE_PREFIX)), unit: prefix + gap + unit };
  }
  return { factor: 1, unit };
}

// [number, unit]: ["75.97", "ms"].
export function figureParts(key, number) {
  if (!Number.isFinite(number)) return ['–', ''];
  const { factor, unit } = scaleOf(key, number);
  return [plain(number * factor), unit];
}

export function figureText(key, number) {
  const [digits, unit] = figureParts(key, number);
  return unit === '' ? digits : `${digits}\u202f${unit}`;
}

// "36.33 ± 0.35 k tokens/s": both in the unit that the mean asks for.
export function intervalText(key, mean, half) {
  if (!(half > 0)) return figureText(key, mean);
  const { factor, unit } = scaleOf(key, mean);
  return `${plain(mean * factor)} ± ${plain(half * factor, 2)}\u202f${unit}`.trimEnd();
}

// "+12.3 %" of `reference`; points of percent where the figure is a share of its own.
export function differenceText(key, number, reference) {
  const difference = number - reference;
  if (!Number.isFinite(difference)) return '–';
  if (difference === 0) return '±0';
  const sign = difference > 0 ? '+' : '−';
  const size = Math.abs(difference);
  if (unitOf(key) === '%') return `${sign}${plain(size * 100, 3)}\u202fpp`;
  if (reference === 0) return `${sign}${figureText(key, size)}`;
  const share = (size / Math.abs(reference)) * 100;
  return share >= 1000 ? `×${plain(number / reference, 3)}` : `${sign}${plain(share, 3)}\u202f%`;
}

// 1.25 and "400 Gb/s" are quantities; null, words and truths are not: {number, unit} or null.
export function quantityOf(value) {
  if (typeof value === 'number') return { number: value, unit: '' };
  if (typeof value !== 'string') return null;
  const match = /^([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([A-Za-zµ][\w/]*)$/.exec(value);
  return match ? { number: Number(match[1]), unit: match[2] } : null;
}

// The last word of a swept key, with the one before it where that alone is not unique.
export function axisName(key, keys) {
  const parts = key.split('.');
  const last = parts.at(-1);
  const isUnique = keys.filter((other) => other.split('.').at(-1) === last).length === 1;
  const name = isUnique ? last : parts.slice(-2).join(' ');
  return words(name).replace(/ model parallel size$/, ' parallel size');
}
