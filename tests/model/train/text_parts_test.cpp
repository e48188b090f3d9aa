// SPDX-License-Identifier: Apache-2.0
#include "model/train/text_parts.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace moesim::model {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Byte i of the text is i.
Bytes counting_text(int bytes) {
  Bytes text(static_cast<std::size_t>(bytes));
  std::iota(text.begin(), text.end(), std::uint8_t{0});
  return text;
}

// 109 bytes, a tenth held out: the last 10.
TEST(TextParts, TheLastPartIsHeldOut) {
  const Bytes text = counting_text(109);
  const TextParts parts = cut_text(text, 0.1);
  EXPECT_EQ(parts.training.size(), 99U);
  ASSERT_EQ(parts.validation.size(), 10U);
  EXPECT_EQ(parts.validation[0], 99);
}

// A window of 10 and its next byte are 11 bytes: 110 bytes have 11 in their last tenth, 109 have
// 10; with a half held out it takes 22.
TEST(TextParts, TheLeastTextHasAWindowInEachPart) {
  EXPECT_EQ(least_text(10, 0.1), 110U);
  EXPECT_EQ(least_text(10, 0.5), 22U);
  for (const double fraction : {0.01, 0.05, 0.1, 1.0 / 3, 0.3, 0.45, 0.5}) {
    for (int seq_length = 1; seq_length < 200; seq_length += 7) {
      const Bytes text(least_text(seq_length, fraction));
      const auto window = static_cast<std::size_t>(seq_length) + 1;
      EXPECT_GE(cut_text(text, fraction).validation.size(), window);
      EXPECT_GE(cut_text(text, fraction).training.size(), window);
      const Bytes shorter(text.size() - 1);
      const TextParts parts = cut_text(shorter, fraction);
      EXPECT_LT(std::min(parts.validation.size(), parts.training.size()), window)
          << fraction << " " << seq_length;
    }
  }
}

TEST(TextParts, TargetsAreTheNextBytes) {
  const Bytes text = counting_text(20);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const base::RandomField field(seed, "windows");
    const ByteBatch batch = sample_windows(text, 4, {field, 0, 3});
    ASSERT_EQ(batch.inputs.size(), 12U);
    for (std::size_t i = 0; i < 12; ++i) {
      EXPECT_EQ(batch.targets[i], batch.inputs[i] + 1);
      if (i % 4 == 0) continue;
      EXPECT_EQ(batch.inputs[i], batch.inputs[i - 1] + 1);
    }
  }
}

// A window depends on its draw's number alone, not on what was drawn before it.
TEST(TextParts, AWindowIsAFunctionOfItsDraw) {
  const Bytes text = counting_text(200);
  const base::RandomField field(5, "windows");
  const ByteBatch all = sample_windows(text, 4, {field, 0, 10});
  const ByteBatch later = sample_windows(text, 4, {field, 7, 3});
  EXPECT_EQ(later.inputs, Bytes(all.inputs.begin() + 28, all.inputs.end()));
}

// 20 bytes have 16 places for a window of 4; 2,000 draws find each, about 125 times.
TEST(TextParts, EveryPlaceIsDrawn) {
  const Bytes text = counting_text(20);
  const base::RandomField field(1, "windows");
  const ByteBatch batch = sample_windows(text, 4, {field, 0, 2000});
  std::vector<int> count(16, 0);
  for (std::size_t i = 0; i < batch.inputs.size(); i += 4) ++count.at(batch.inputs[i]);
  for (const int times : count) EXPECT_NEAR(times, 125, 60);
}

TEST(TextParts, TheShortestTextHasOneWindow) {
  const Bytes text = counting_text(5);
  const base::RandomField field(0, "windows");
  EXPECT_EQ(sample_windows(text, 4, {field, 0, 1}).inputs, (Bytes{0, 1, 2, 3}));
  EXPECT_EQ(spread_windows(text, 32, 4).targets, (Bytes{1, 2, 3, 4}));
}

// 13 bytes hold (13 - 1) / 4 = 3 windows of 4; the first bytes 0 to 8 are possible places.
TEST(TextParts, SpreadWindowsDoNotOverlap) {
  const Bytes text = counting_text(13);
  EXPECT_EQ(spread_windows(text, 32, 4).inputs, (Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(spread_windows(text, 2, 4).inputs, (Bytes{0, 1, 2, 3, 8, 9, 10, 11}));
}

}  // namespace
}  // namespace moesim::model
