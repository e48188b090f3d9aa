// SPDX-License-Identifier: Apache-2.0
// From numbers to places on paper, and the colours of the page's theme.

// About `count` round numbers (1, 2 or 5 times a power of ten) that span [low, high].
export function roundTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  // Adding 0 makes 0 of -0.
  for (let i = Math.ceil(low / step - 1e-9) + 0; i * step <= high + step * 1e-9; i++) {
    ticks.push(i * step);
  }
  return ticks;
}

// The range with room at both ends; a range of one number gets room too.
export function roomy({ low, high }, share = 0.06) {
  const room = high > low ? (high - low) * share : Math.abs(high) * share || 1;
  const lowest = low >= 0 ? Math.max(0, low - room) : low - room;
  return { low: lowest, high: high + room };
}

export function linear({ low, high }, from, to) {
  return (number) => from + ((number - low) / (high - low)) * (to - from);
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export const NUM_SERIES = 8;
export function seriesColour(place) {
  return colour(`series-${place % NUM_SERIES}`);
}

// A point of the ramp from light to dark that heat maps use: cividis at nine places, which people
// of any colour vision read alike (Nunez et al., PLOS ONE 13(7), 2018).
const RAMP = [
  [0, 34, 78],
  [33, 54, 107],
  [76, 85, 108],
  [108, 109, 114],
  [126, 127, 120],
  [151, 147, 120],
  [185, 172, 112],
  [219, 201, 94],
  [254, 232, 56],
];
export function rampColour(share) {
  const place = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(place));
  return RAMP[low].map((channel, i) =>
    Math.round(channel + (RAMP[low + 1][i] - channel) * (place - low)),
  );
}

// WCAG 2.1's relative luminance.
export function luminance(channels) {
  const [r, g, b] = channels.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Black or white, whichever stands out more.
export function inkOn(channels) {
  return luminance(channels) > 0.179 ? '#000000' : '#ffffff';
}
