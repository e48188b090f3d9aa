// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/weighted_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace moesim::sim {
namespace {

using Experts = std::vector<std::int32_t>;

// [tokens, top_k]
Experts draw(const std::vector<double>& weights, int tokens, int top_k, std::uint64_t seed,
             DrawKernels kernels = best_draw_kernels()) {
  const WeightedSampler sampler(weights);
  Experts chosen(static_cast<std::size_t>(tokens) * top_k);
  TokenDraws(sampler, base::RandomField(seed, "sampler"), top_k, kernels).fill(0, chosen);
  return chosen;
}

// One draw each from weights 1, 2, 5: shares 1/8, 2/8, 5/8. 100,000 draws have a standard deviation
// below 0.0016 of the total; 0.008 is five of them.
TEST(WeightedSampler, FirstDrawsFollowTheWeights) {
  std::vector<int> counts(3);
  for (const std::int32_t expert : draw({1, 2, 5}, 100000, 1, 1)) ++counts[expert];
  EXPECT_NEAR(counts[0] / 1e5, 0.125, 0.008);
  EXPECT_NEAR(counts[1] / 1e5, 0.250, 0.008);
  EXPECT_NEAR(counts[2] / 1e5, 0.625, 0.008);
}

// Two of three without replacement: P(0 is left out) = P(draw 2, 1) + P(draw 1, 2)
// = 5/8 * 2/3 + 2/8 * 5/6 = 0.41667 + 0.20833 = 0.625.
TEST(WeightedSampler, PairsFollowSuccessiveSampling) {
  const Experts chosen = draw({1, 2, 5}, 100000, 2, 2);
  int without_zero = 0;
  for (std::size_t pair = 0; pair < chosen.size(); pair += 2) {
    without_zero += chosen[pair] != 0 && chosen[pair + 1] != 0 ? 1 : 0;
  }
  EXPECT_NEAR(without_zero / 1e5, 0.625, 0.008);
}

// P(a, then b, then c) = w_a / W * w_b / (W - w_a) * w_c / (W - w_a - w_b): all 60 ordered triples
// of 5 experts. Chi-square with 59 degrees of freedom has mean 59 and variance 118; six standard
// deviations above is 59 + 6 * 10.86 = 124, and six below would be no draw at random.
void expect_exact_law(DrawKernels kernels) {
  const std::vector<double> weights{1, 2, 5, 0.5, 3};
  const double all = 11.5;
  const int tokens = 400000;
  std::map<Experts, int> times;
  const Experts chosen = draw(weights, tokens, 3, 5, kernels);
  for (auto token = chosen.begin(); token != chosen.end(); token += 3) {
    ++times[Experts(token, token + 3)];
  }
  double chi_square = 0;
  for (int a = 0; a < 5; ++a) {
    for (int bc = 0; bc < 25; ++bc) {
      const int b = bc / 5;
      const int c = bc % 5;
      if (a == b || b == c || a == c) continue;
      const double expected = tokens * weights[a] / all * weights[b] / (all - weights[a]) *
                              weights[c] / (all - weights[a] - weights[b]);
      chi_square += std::pow(times[{a, b, c}] - expected, 2) / expected;
    }
  }
  EXPECT_EQ(times.size(), 60U) << "no triple has an expert twice";
  EXPECT_LT(chi_square, 124);
  EXPECT_GT(chi_square, 20);
}

TEST(WeightedSampler, TriplesFollowTheExactLaw) {
  expect_exact_law(DrawKernels::portable);
  expect_exact_law(best_draw_kernels());
}

// Nearly all weight on one expert: the rest is drawn exactly once patience is over, still distinct.
TEST(WeightedSampler, ExtremeSkewStillGivesDistinctExperts) {
  std::vector<double> weights(64, 1e-12);
  weights[7] = 1;
  const Experts chosen = draw(weights, 200, 8, 3);
  for (auto token = chosen.begin(); token != chosen.end(); token += 8) {
    const std::set<std::int32_t> distinct(token, token + 8);
    EXPECT_EQ(distinct.size(), 8U);
    EXPECT_EQ(distinct.count(7), 1U);
  }
}

TEST(WeightedSampler, ZeroWeightsAreDrawnOnlyWhenNothingElseIsLeft) {
  const Experts chosen = draw({0, 3, 0, 1}, 50, 3, 4);
  for (auto token = chosen.begin(); token != chosen.end(); token += 3) {
    EXPECT_EQ(std::set<std::int32_t>(token, token + 2), (std::set<std::int32_t>{1, 3}));
  }
}

// Odd and even top_k, up to more than the vectors hold; the last expert is 19.
TEST(WeightedSampler, BlocksAndKernelsDoNotChangeATokensExperts) {
  std::vector<double> weights(20);
  for (int i = 0; i < 20; ++i) weights[i] = 1.0 / (i + 1);
  for (const int top_k : {1, 3, 8, 9, 16, 17, 20}) {
    const Experts whole = draw(weights, 101, top_k, 6);
    EXPECT_EQ(draw(weights, 101, top_k, 6, DrawKernels::portable), whole);
    const WeightedSampler sampler(weights);
    TokenDraws draws(sampler, base::RandomField(6, "sampler"), top_k);
    Experts last(static_cast<std::size_t>(37) * top_k);
    draws.fill(64, last);
    EXPECT_EQ(last, Experts(whole.end() - 37 * top_k, whole.end())) << "tokens 64 to 100";
  }
}

}  // namespace
}  // namespace moesim::sim
