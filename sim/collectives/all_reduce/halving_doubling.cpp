// SPDX-License-Identifier: Apache-2.0
// halving_doubling: log2 n rounds of exchanging half, a quarter, ... of the buffer with a partner
// at distance 1, 2, ..., which leaves each rank with 1/n of the sum, and the same back
// (Rabenseifner 2004, "Optimization of Collective Reduction Operations"; Thakur, Rabenseifner and
// Gropp 2005). With n no power of two, p the largest one below it, the first 2 (n - p) ranks pair
// up: one of each pair hands its buffer over before, and gets the sum after.
//
//   2 log2(n) alpha + 2 (n-1)/n S / B, n a power of two; else with p for n, and 2 (alpha + S / B)
//   more
#include <vector>

#include "sim/collectives/all_reduce/algorithms.h"

namespace moesim::sim {
namespace {

void end_round(Collective& collective) {
  collective.rounds.push_back({collective.transfers.size(), {}});
}

// `active` [a power of two] exchange `bytes` with the partner at this distance.
void exchange(const std::vector<int>& active, std::size_t distance, base::Bytes bytes,
              Collective& collective) {
  for (std::size_t i = 0; i < active.size(); ++i) {
    collective.transfers.push_back({active[i], active[i ^ distance], bytes});
  }
  end_round(collective);
}

}  // namespace

Collective reduce_by_halves(topologies::Router&, const std::vector<int>& ranks, base::Bytes bytes) {
  std::size_t power = 1;
  while (power * 2 <= ranks.size()) power *= 2;
  const std::size_t pairs = ranks.size() - power;
  std::vector<int> active;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (i >= 2 * pairs || i % 2 == 1) active.push_back(ranks[i]);
  }
  Collective collective;
  for (std::size_t i = 0; i < pairs; ++i) {
    collective.transfers.push_back({ranks[2 * i], ranks[2 * i + 1], bytes});
  }
  if (pairs > 0) end_round(collective);
  base::Bytes part = bytes;
  for (std::size_t distance = 1; distance < power; distance *= 2) {
    part = part / 2.0;
    exchange(active, distance, part, collective);
  }
  for (std::size_t distance = power / 2; distance > 0; distance /= 2) {
    exchange(active, distance, part, collective);
    part = part * 2.0;
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    collective.transfers.push_back({ranks[2 * i + 1], ranks[2 * i], bytes});
  }
  if (pairs > 0) end_round(collective);
  return collective;
}

}  // namespace moesim::sim
