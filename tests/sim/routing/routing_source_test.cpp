// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/routing_source.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace moesim::sim {
namespace {

// Two layers of two tokens; knows only how to route.
class PlainSource final : public RoutingSource {
 public:
  explicit PlainSource(bool applies_capacity) : applies_capacity_(applies_capacity) {}

  std::vector<model::RoutingBatch> route(int micro_batch, int rank) const override {
    const std::vector<float> weights(4, 0.5F);
    return {{2, 2, 8, {micro_batch, rank, 2, 3}, weights, {}},
            {2, 2, 8, {4, 5, 6, 7}, weights, {}}};
  }
  bool applies_capacity() const override { return applies_capacity_; }
  std::string description() const override { return "plain"; }

 private:
  bool applies_capacity_;
};

TEST(RoutingSource, StreamsWhatItRoutesLayerByLayer) {
  std::vector<std::vector<std::int32_t>> streamed;
  PlainSource(false).stream_choices(1, 0, [&](int layer, std::span<const std::int32_t> experts) {
    EXPECT_EQ(layer, static_cast<int>(streamed.size()));
    streamed.emplace_back(experts.begin(), experts.end());
  });
  EXPECT_EQ(streamed, (std::vector<std::vector<std::int32_t>>{{1, 0, 2, 3}, {4, 5, 6, 7}}));
}

TEST(RoutingSource, DoesNotStreamChoicesThatCapacityMayHaveDropped) {
  EXPECT_THROW(PlainSource(true).stream_choices(0, 0, {}), base::InvariantViolation);
}

}  // namespace
}  // namespace moesim::sim
