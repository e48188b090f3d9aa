// SPDX-License-Identifier: Apache-2.0
// What a model has to beat: guesses of the next byte by counting. Free of Eigen.
#pragma once

#include <cstdint>
#include <span>

namespace moesim::model {

// Mean bits per byte of `validation` after its first byte, guessed by counts of `training`; finite
// for any two texts, 8 without a training text. `validation` has at least two bytes.

// p(b) = (n_b + 1) / (n + 256): the byte's frequency, add-one smoothed (Laplace).
double unigram_bits_per_byte(std::span<const std::uint8_t> training,
                             std::span<const std::uint8_t> validation);

// p(b | a) = (n_ab + d_a p(b)) / (n_a + d_a), where d_a is the number of distinct bytes seen after
// a: the pair's frequency interpolated with the unigram's (Witten and Bell 1991, method C); p(b)
// where a was never seen.
double bigram_bits_per_byte(std::span<const std::uint8_t> training,
                            std::span<const std::uint8_t> validation);

}  // namespace moesim::model
