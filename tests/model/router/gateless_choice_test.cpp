// SPDX-License-Identifier: Apache-2.0
#include "model/router/gateless_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

RouterFixture<float> fixture_of(RouterType type, int num_experts, int top_k) {
  RouterFixture<float> fixture;
  fixture.config.type = type;
  fixture.config.num_experts = num_experts;
  fixture.config.top_k = top_k;
  return fixture;
}

std::vector<std::int32_t> experts_of(const RoutingBatch& batch, int token) {
  const auto first = batch.experts.begin() + token * batch.top_k;
  return {first, first + batch.top_k};
}

// Bytes 5, 9, 5: the first and the third token have the same experts, in every pass, and 1/2 each.
TEST(HashRouter, DependsOnTheByteAlone) {
  RouterFixture<float> fixture = fixture_of(RouterType::hash, 16, 2);
  fixture.bytes = {5, 9, 5};
  const Matrix<float> x = Matrix<float>::Zero(3, 4);
  const RouterCache<float> cache = fixture.routed(x);
  EXPECT_EQ(experts_of(cache.batch, 0), experts_of(cache.batch, 2));
  EXPECT_NE(experts_of(cache.batch, 0), experts_of(cache.batch, 1));
  EXPECT_EQ(cache.weights, (Matrix<float>::Constant(3, 2, 0.5F)));
  EXPECT_EQ(cache.scores.row(0).sum(), 1);
  fixture.seed = 99;
  EXPECT_EQ(fixture.routed(x).batch, cache.batch);
}

// All 256 bytes, one of eight experts each: 32 expected, standard deviation sqrt(256 / 8 x 7 / 8) =
// 5.3, so that 10 to 54 is four of them either way.
TEST(HashRouter, SpreadsBytesOverExperts) {
  RouterFixture<float> fixture = fixture_of(RouterType::hash, 8, 1);
  for (int byte = 0; byte < 256; ++byte) fixture.bytes.push_back(static_cast<std::uint8_t>(byte));
  const RouterCache<float> cache = fixture.routed(Matrix<float>::Zero(256, 2));
  for (const std::int64_t load : cache.load) {
    EXPECT_GE(load, 10);
    EXPECT_LE(load, 54);
  }
}

TEST(RandomRouter, DrawsAnewInEveryPass) {
  RouterFixture<float> fixture = fixture_of(RouterType::random, 16, 2);
  const Matrix<float> x = Matrix<float>::Zero(40, 4);
  const RoutingBatch first = fixture.routed(x).batch;
  EXPECT_EQ(fixture.routed(x).batch, first);
  fixture.seed = 8;
  EXPECT_NE(fixture.routed(x).batch.experts, first.experts);
}

// 6000 tokens, 3 of 6 experts each: every expert 3000 expected, standard deviation sqrt(6000 / 4) =
// 39; every one of the 20 sets 300, standard deviation 17.
TEST(RandomRouter, EverySetIsEquallyLikely) {
  RouterFixture<float> fixture = fixture_of(RouterType::random, 6, 3);
  const RouterCache<float> cache = fixture.routed(Matrix<float>::Zero(6000, 1));
  for (const std::int64_t load : cache.load) EXPECT_NEAR(static_cast<double>(load), 3000, 160);
  std::vector<int> sets(64);
  for (int t = 0; t < 6000; ++t) {
    int set = 0;
    for (const std::int32_t expert : experts_of(cache.batch, t)) set |= 1 << expert;
    ++sets[set];
  }
  EXPECT_EQ(std::count(sets.begin(), sets.end(), 0), 64 - 20);
  for (const int count : sets) {
    EXPECT_TRUE(count == 0 || std::abs(count - 300) < 80) << count;
  }
}

TEST(GatelessChoice, ExpertsAreDistinctAndWeighTheSame) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    base::Rng rng(seed, "gateless");
    const int num_experts = 1 + static_cast<int>(rng.below(20));
    const int top_k = 1 + static_cast<int>(rng.below(num_experts));
    const RouterType type = seed % 2 == 0 ? RouterType::hash : RouterType::random;
    RouterFixture<float> fixture = fixture_of(type, num_experts, top_k);
    fixture.seed = seed;
    const Matrix<float> x = fixture.randomise(9, 2, rng);
    const RouterCache<float> cache = fixture.routed(x);
    for (int t = 0; t < 9; ++t) {
      const std::vector<std::int32_t> experts = experts_of(cache.batch, t);
      const std::set<std::int32_t> distinct(experts.begin(), experts.end());
      EXPECT_EQ(static_cast<int>(distinct.size()), top_k) << "seed " << seed;
      EXPECT_GE(*distinct.begin(), 0);
      EXPECT_LT(*distinct.rbegin(), num_experts);
      EXPECT_NEAR(cache.weights.row(t).sum(), 1, 1e-6) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace moesim::model
