// SPDX-License-Identifier: Apache-2.0
#include "model/train/byte_baselines.h"

#include <cmath>
#include <vector>

#include "base/check.h"

namespace moesim::model {
namespace {

constexpr std::size_t kBytes = 256;

std::vector<double> unigram(std::span<const std::uint8_t> text) {
  std::vector<double> probability(kBytes, 1);
  for (const std::uint8_t byte : text) probability[byte] += 1;
  for (double& p : probability) p /= static_cast<double>(text.size() + kBytes);
  return probability;
}

// [256, 256], row a: the probabilities after byte a.
std::vector<double> bigram(std::span<const std::uint8_t> text) {
  std::vector<double> table(kBytes * kBytes, 0);
  for (std::size_t i = 1; i < text.size(); ++i) table[text[i - 1] * kBytes + text[i]] += 1;
  const std::vector<double> alone = unigram(text);
  for (std::size_t a = 0; a < kBytes; ++a) {
    double pairs = 0;
    double distinct = 0;
    for (std::size_t b = 0; b < kBytes; ++b) {
      pairs += table[a * kBytes + b];
      distinct += table[a * kBytes + b] > 0 ? 1 : 0;
    }
    for (std::size_t b = 0; b < kBytes; ++b) {
      double& p = table[a * kBytes + b];
      p = pairs == 0 ? alone[b] : (p + distinct * alone[b]) / (pairs + distinct);
    }
  }
  return table;
}

}  // namespace

double unigram_bits_per_byte(std::span<const std::uint8_t> training,
                             std::span<const std::uint8_t> validation) {
  CHECK(validation.size() >= 2, "there is a byte to guess");
  const std::vector<double> probability = unigram(training);
  double bits = 0;
  for (const std::uint8_t byte : validation.subspan(1)) bits -= std::log2(probability[byte]);
  return bits / static_cast<double>(validation.size() - 1);
}

double bigram_bits_per_byte(std::span<const std::uint8_t> training,
                            std::span<const std::uint8_t> validation) {
  CHECK(validation.size() >= 2, "there is a byte to guess");
  const std::vector<double> probability = bigram(training);
  double bits = 0;
  for (std::size_t i = 1; i < validation.size(); ++i) {
    bits -= std::log2(probability[validation[i - 1] * kBytes + validation[i]]);
  }
  return bits / static_cast<double>(validation.size() - 1);
}

}  // namespace moesim::model
