// SPDX-License-Identifier: Apache-2.0

// The rows that no other beats in one figure without losing in the other, by rising x. Of rows
// that are equal in both the first stays. `x` and `y` are {numbers, direction}.
export function paretoFront(x, y) {
  const signX = x.direction === 'max' ? -1 : 1;
  const signY = y.direction === 'max' ? -1 : 1;
  const rows = [];
  for (let row = 0; row < x.numbers.length; row++) {
    if (Number.isFinite(x.numbers[row]) && Number.isFinite(y.numbers[row])) rows.push(row);
  }
  rows.sort(
    (a, b) =>
      signX * (x.numbers[a] - x.numbers[b]) || signY * (y.numbers[a] - y.numbers[b]) || a - b,
  );
  const front = [];
  let best = Infinity;
  for (const row of rows) {
    if (signY * y.numbers[row] < best) {
      best = signY * y.numbers[row];
      front.push(row);
    }
  }
  return signX < 0 ? front.reverse() : front;
}
