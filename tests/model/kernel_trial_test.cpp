// SPDX-License-Identifier: Apache-2.0
#include "model/kernel_trial.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"

namespace moesim::model {
namespace {

TEST(TrialShape, SharesItsRowsOutAmongTokens) {
  const TrialShape shape{TrialKernel::permute, {0, 5, 13}, 8, 0, 9, 1};
  EXPECT_EQ(shape.total_rows(), 18);
  EXPECT_EQ(shape.slots(), 2);
  const TrialShape uneven{TrialKernel::permute, {5, 13}, 8, 0, 7, 1};
  EXPECT_THROW(uneven.slots(), base::InvariantViolation);
}

// 7919 is prime, so the first step that shares no factor with its multiple 15838 is 7921 (odd, and
// 7921 = 89 * 89).
TEST(SpreadPlaces, NamesEveryRowOnceAndNeighboursFarApart) {
  for (const std::int64_t count : {1, 2, 100, 15838}) {
    std::vector<std::int32_t> places = spread_places(count);
    if (count == 100) {
      EXPECT_EQ(places[1], 19);
    }
    if (count == 15838) {
      EXPECT_EQ(places[1], 7921);
    }
    std::sort(places.begin(), places.end());
    ASSERT_EQ(places.size(), static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) EXPECT_EQ(places[static_cast<std::size_t>(i)], i);
  }
}

}  // namespace
}  // namespace moesim::model
