// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <cmath>

namespace moesim::base {
namespace {

constexpr double kTwoPi = 6.283185307179586476925;

std::uint64_t stream_seed(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(hash ^ mix(seed));
}

}  // namespace

Rng::Rng(std::uint64_t seed, std::string_view stream_name)
    : engine_(stream_seed(seed, stream_name)) {}

std::uint64_t Rng::below(std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(engine_()) * bound;
  auto low = static_cast<std::uint64_t>(product);
  if (low < bound) {
    const std::uint64_t threshold = -bound % bound;
    while (low < threshold) {
      product = static_cast<Wide>(engine_()) * bound;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(kTwoPi * uniform());
}

double Rng::gamma(double shape) {
  if (shape < 1.0) return gamma(shape + 1.0) * std::pow(1.0 - uniform(), 1.0 / shape);
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal();
    const double v = std::pow(1.0 + c * x, 3);
    if (v <= 0.0) continue;
    const double u = 1.0 - uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Rng::log_gamma(double shape) {
  if (shape >= 1.0) return std::log(gamma(shape));
  const double boosted = std::log(gamma(shape + 1.0));
  return boosted + std::log(1.0 - uniform()) / shape;
}

RandomField::RandomField(std::uint64_t seed, std::string_view name)
    : key_(stream_seed(seed, name)) {}

double RandomField::normal(std::uint64_t i) const {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(i)));
  const double turn = static_cast<double>(mix(bits(i)) >> 11) * 0x1.0p-53;
  return radius * std::cos(kTwoPi * turn);
}

}  // namespace moesim::base
