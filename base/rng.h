// SPDX-License-Identifier: Apache-2.0
// Reproducible random numbers: one stream per consumer, named, so that adding a consumer changes
// no other's draws. The draws are our own over std::mt19937_64, whose output the standard fixes;
// std::*_distribution differs between libraries and is never used.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace moesim::base {

// SplitMix64's mixing function (Steele, Lea and Flood 2014): a bijection that scatters close
// inputs.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

class Rng {
 public:
  // The engine's seed is a hash (FNV-1a, then SplitMix64) of `seed` and the stream's name.
  Rng(std::uint64_t seed, std::string_view stream_name);

  std::uint64_t next() { return engine_(); }
  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  // Uniform in [0, bound), bound >= 1; unbiased (Lemire 2019, "Fast random integer generation").
  std::uint64_t below(std::uint64_t bound);
  // Standard normal (Box-Muller, one value a call).
  double normal();
  // Gamma(shape, 1), shape > 0 (Marsaglia and Tsang 2000; shapes below 1 boosted by u^(1/shape)).
  double gamma(double shape);
  // Logarithm of a gamma draw, exact also where the draw itself would underflow (shape below 1e-2).
  double log_gamma(double shape);

 private:
  std::mt19937_64 engine_;
};

// 64 random bits of place `i` of the field with that key: SplitMix64 in counter mode.
constexpr std::uint64_t field_bits(std::uint64_t key, std::uint64_t i) {
  return mix(key + i * 0x9e3779b97f4a7c15U);
}

// Random numbers by place instead of by turn: draw i of a field is a function of (seed, name, i)
// alone, so that threads, and a pass that is run again, draw the same.
class RandomField {
 public:
  RandomField(std::uint64_t seed, std::string_view name);

  // 64 random bits.
  std::uint64_t bits(std::uint64_t i) const { return field_bits(key_, i); }
  // For kernels that draw by field_bits().
  std::uint64_t key() const { return key_; }
  // Uniform in [0, 1), 53 bits.
  double uniform(std::uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1.0p-53; }
  // Standard normal (Box-Muller over two draws of the place).
  double normal(std::uint64_t i) const;

 private:
  std::uint64_t key_;
};

}  // namespace moesim::base
