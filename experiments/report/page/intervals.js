// SPDX-License-Identifier: Apache-2.0
// The mean of repetitions and how well it is known: 95 % confidence by Student's t.

const CONFIDENCE = 0.95;
const quantiles = new Map();

// Probability that |T| <= t for T of Student's distribution with `freedom` degrees: the finite
// series of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
export function studentWithin(t, freedom) {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let i = isOdd ? 3 : 2; i < freedom; i += 2) {
    term *= ((i - 1) / i) * cosine * cosine;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

// The t with |T| <= t in 95 % of cases, by bisection.
export function studentQuantile(freedom) {
  if (!quantiles.has(freedom)) {
    let low = 0;
    let high = 13; // above the quantile of one degree of freedom, 12.706
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (studentWithin(middle, freedom) < CONFIDENCE) low = middle;
      else high = middle;
    }
    quantiles.set(freedom, high);
  }
  return quantiles.get(freedom);
}

// {mean, half, count}: the interval is mean - half ... mean + half; half is NaN for a lone number,
// of which nothing is known. Numbers that are none are left out.
export function meanInterval(numbers) {
  const known = numbers.filter(Number.isFinite);
  const count = known.length;
  if (count === 0) return { mean: NaN, half: NaN, count };
  const mean = known.reduce((sum, number) => sum + number, 0) / count;
  if (count === 1) return { mean, half: NaN, count };
  const squares = known.reduce((sum, number) => sum + (number - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  return { mean, half: (studentQuantile(count - 1) * deviation) / Math.sqrt(count), count };
}
