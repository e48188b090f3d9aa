// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
#include "sim/routing/draw_kernels.h"
#include "sim/routing/weighted_sampler.h"

namespace moesim::sim {
namespace {

class Avx512DrawKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (best_draw_kernels() != DrawKernels::avx512) GTEST_SKIP() << "no AVX-512 here";
  }
};

TEST_F(Avx512DrawKernels, DrawWhatThePortableOnesDraw) {
  base::Rng rng(1, "kernels");
  for (const int experts : {1, 3, 8, 257}) {
    std::vector<double> weights(experts);
    for (double& weight : weights) weight = rng.gamma(0.3) + 1e-9;
    const WeightedSampler sampler(weights);
    for (int tokens = 0; tokens < 40; ++tokens) {
      const std::uint64_t place = rng.next() >> 2;
      std::vector<std::int32_t> portable(tokens + 1, -1), wide(tokens + 1, -1);
      DrawBlock block{
          sampler.slots().data(), static_cast<std::uint32_t>(experts), rng.next(), place, tokens, 1,
          portable.data()};
      pick_each_portable(block);
      block.chosen = wide.data();
      pick_each_avx512(block);
      EXPECT_EQ(wide, portable) << experts << " experts, " << tokens << " tokens";
      EXPECT_EQ(wide.back(), -1) << "nothing is written behind the block";
    }
  }
}

// Tokens of every width; the experts' numbers are few, 0 among them, so that many repeat.
TEST_F(Avx512DrawKernels, FindTheTokensThatHaveAnExpertTwice) {
  base::Rng rng(2, "kernels");
  for (int top_k = 1; top_k <= kWidestToken; ++top_k) {
    const int tokens = 200;
    std::vector<std::int32_t> chosen, expected, found(tokens);
    for (int token = 0; token < tokens; ++token) {
      std::vector<int> times(100);
      bool repeat = false;
      for (int slot = 0; slot < top_k; ++slot) {
        chosen.push_back(static_cast<std::int32_t>(rng.below(100)));
        repeat = repeat || ++times[chosen.back()] > 1;
      }
      if (repeat) expected.push_back(token);
    }
    found.resize(
        find_repeats_avx512({nullptr, 100, 0, 0, tokens, top_k, chosen.data()}, found.data()));
    EXPECT_EQ(found, expected) << top_k;
  }
}

}  // namespace
}  // namespace moesim::sim
#endif
