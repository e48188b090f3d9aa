// SPDX-License-Identifier: Apache-2.0
#include "model/balance/usage_report.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

LayerUsage loaded(std::vector<std::int64_t> loads) {
  LayerUsage usage;
  usage.chosen = loads;
  usage.kept = loads;
  usage.importance.resize(loads.size());
  return usage;
}

// Loads 1 and 3: variance 1, mean 2, ratio 1/2: not above 0.5, but above 0.4.
TEST(ShouldRebalance, ComparesVarianceWithTheMean) {
  EXPECT_FALSE(should_rebalance(loaded({1, 3})));
  EXPECT_TRUE(should_rebalance(loaded({1, 3}), 0.4));
  // Loads 1 and 4: variance 9/4, mean 5/2.
  EXPECT_TRUE(should_rebalance(loaded({1, 4})));
  // The same shares of ten times the tokens: the variance is a hundred times as large.
  EXPECT_TRUE(should_rebalance(loaded({10, 30})));
  EXPECT_FALSE(should_rebalance(loaded({5, 5})));
  EXPECT_FALSE(should_rebalance(LayerUsage{}));
  EXPECT_FALSE(should_rebalance(loaded({0, 0})));
}

RoutingBatch batch_of(std::vector<std::int32_t> experts) {
  RoutingBatch batch{static_cast<int>(experts.size()), 1, 2, experts, {}, {}};
  batch.weights.assign(experts.size(), 1);
  return batch;
}

TEST(ShouldRebalance, AsksEveryLayer) {
  ExpertUsage usage(2);
  usage.add(0, batch_of({0, 1}));
  EXPECT_FALSE(should_rebalance(usage));
  usage.add(1, batch_of({0, 0, 0, 0}));
  EXPECT_TRUE(should_rebalance(usage));
}

// Layer 0 is even. Layer 1 sends all four tokens to expert 0 and drops one: max/mean 2, cv 1, gini
// 1/2, entropy 0. Layer 2 saw nothing.
TEST(LoadBalancingReport, HasALineForEachLayer) {
  ExpertUsage usage(3);
  usage.add(0, batch_of({0, 1}));
  RoutingBatch all_to_one = batch_of({0, 0, 0, 0});
  all_to_one.kept = {1, 1, 1, 0};
  usage.add(1, all_to_one);
  EXPECT_EQ(load_balancing_report(usage),
            "layer      tokens      dropped  max/mean      cv    gini  entropy     nats  dead     "
            "most used    least used\n"
            "    0           2       0.00 %     1.000   0.000   0.000   1.0000   0.6931     0    "
            "0 (50.0 %)    0 (50.0 %)\n"
            "    1           4      25.00 %     2.000   1.000   0.500   0.0000   0.0000     1   "
            "0 (100.0 %)     1 (0.0 %)\n"
            "    2  no tokens\n"
            " mean                  12.50 %     1.500   0.500   0.250   0.5000   0.3466\n"
            "load variance above 0.5 x mean load: layers 1\n");
}

TEST(LoadBalancingReport, OfNothingSaysSo) {
  EXPECT_NE(load_balancing_report(ExpertUsage(1)).find("no tokens"), std::string::npos);
}

}  // namespace
}  // namespace moesim::model
