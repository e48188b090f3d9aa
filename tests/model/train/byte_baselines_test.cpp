// SPDX-License-Identifier: Apache-2.0
#include "model/train/byte_baselines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// "aab" trained on: p(a) = 3/259, p(b) = 2/259, any other 1/259. Of "xab" a and b are guessed.
TEST(ByteBaselines, UnigramByHand) {
  const double bits = -(std::log2(3.0 / 259) + std::log2(2.0 / 259)) / 2;
  EXPECT_NEAR(unigram_bits_per_byte(bytes_of("aab"), bytes_of("xab")), bits, 1e-12);
}

// "aab": after a came a once and b once, d = 2: p(b | a) = (1 + 2 p(b)) / (2 + 2) with p(b) =
// 2/259. After x came nothing: p(a | x) = p(a) = 3/259.
TEST(ByteBaselines, BigramByHand) {
  const double after_a = (1 + 2 * 2.0 / 259) / 4;
  const double bits = -(std::log2(3.0 / 259) + std::log2(after_a)) / 2;
  EXPECT_NEAR(bigram_bits_per_byte(bytes_of("aab"), bytes_of("xab")), bits, 1e-12);
}

TEST(ByteBaselines, WithoutTrainingAByteCosts8Bits) {
  EXPECT_DOUBLE_EQ(unigram_bits_per_byte({}, bytes_of("any text")), 8);
  EXPECT_DOUBLE_EQ(bigram_bits_per_byte({}, bytes_of("any text")), 8);
}

// Each row of the bigram's table must be a distribution: the cost of every byte after `a`, as
// 2^-bits, sums to 1.
TEST(ByteBaselines, GuessesSumToOne) {
  const Bytes training = testing::words_text(50);
  for (const std::uint8_t before : {std::uint8_t{'e'}, std::uint8_t{' '}, std::uint8_t{1}}) {
    double unigram = 0;
    double bigram = 0;
    for (int byte = 0; byte < 256; ++byte) {
      const Bytes pair = {before, static_cast<std::uint8_t>(byte)};
      unigram += std::exp2(-unigram_bits_per_byte(training, pair));
      bigram += std::exp2(-bigram_bits_per_byte(training, pair));
    }
    EXPECT_NEAR(unigram, 1, 1e-12);
    EXPECT_NEAR(bigram, 1, 1e-12);
  }
}

TEST(ByteBaselines, WordsAreGuessedBetterByPairs) {
  const Bytes text = testing::words_text(400);
  const std::span<const std::uint8_t> all = text;
  const auto training = all.first(text.size() / 2);
  const auto validation = all.subspan(text.size() / 2);
  const double unigram = unigram_bits_per_byte(training, validation);
  const double bigram = bigram_bits_per_byte(training, validation);
  EXPECT_LT(unigram, 4.5);
  EXPECT_LT(bigram, 0.6 * unigram);
}

}  // namespace
}  // namespace moesim::model
