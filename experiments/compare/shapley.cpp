// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/shapley.h"

#include <bit>

#include "base/check.h"

namespace moesim::experiments {
namespace {

constexpr int kMostPlayers = 16;

// [size of S] |S|! (n - |S| - 1)! / n!: one over n times the number of sets of that size.
std::vector<double> weights_by_size(int players) {
  std::vector<double> weights;
  double sets = 1;  // of `size` among the n - 1 others
  for (int size = 0; size < players; ++size) {
    weights.push_back(1 / (players * sets));
    sets = sets * (players - 1 - size) / (size + 1);
  }
  return weights;
}

}  // namespace

std::vector<double> shapley_parts(int players, const std::function<double(unsigned set)>& worth) {
  CHECK(players >= 0 && players <= kMostPlayers, "all sets are asked for");
  std::vector<double> worths;
  for (unsigned set = 0; set < 1U << players; ++set) worths.push_back(worth(set));
  const std::vector<double> weights = weights_by_size(players);
  std::vector<double> parts(players);
  for (int player = 0; player < players; ++player) {
    const unsigned bit = 1U << player;
    for (unsigned set = 0; set < 1U << players; ++set) {
      if ((set & bit) != 0) continue;
      parts[player] += weights[std::popcount(set)] * (worths[set | bit] - worths[set]);
    }
  }
  return parts;
}

}  // namespace moesim::experiments
