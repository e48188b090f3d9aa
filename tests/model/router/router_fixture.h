// SPDX-License-Identifier: Apache-2.0
// What the tests of a router's parts set up: a pass on the CPU backend, a configuration, and the
// sum of weights and losses whose slopes are compared with central differences.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "model/cpu/cpu_backend.h"
#include "model/router/router.h"

namespace moesim::model {

template <class S>
Matrix<S> random_matrix(Index rows, Index cols, base::Rng& rng) {
  Matrix<S> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<S>(rng.normal());
  return matrix;
}

// Everything that a RouterRun refers to. Set the members, then call run().
template <class S>
struct RouterFixture {
  explicit RouterFixture(int num_threads = 1)
      : threads(std::make_unique<base::ThreadPool>(num_threads)),
        backend(make_cpu_backend<S>(*threads)) {}

  std::unique_ptr<base::ThreadPool> threads;
  std::unique_ptr<Backend<S>> backend;
  RouterConfig config;
  RouterWeights<S> weights;
  std::vector<std::uint8_t> bytes;
  int seq_length = 1 << 20;
  bool training = false;
  std::uint64_t seed = 7;
  TokenContext context;
  std::unique_ptr<Pass<S>> pass;

  const Pass<S>& make_pass() {
    context = {bytes, seq_length, 3};
    pass.reset(new Pass<S>{*backend, *threads, training, seed, false});
    return *pass;
  }
  RouterRun<S> run() {
    make_pass();
    return {weights, config, context, *pass};
  }
  RouterCache<S> routed(const Matrix<S>& x) {
    RouterCache<S> cache;
    route(run(), x, cache);
    return cache;
  }
  // Routes logits themselves: the gate is the identity.
  RouterCache<S> routed_logits(const Matrix<S>& logits) {
    weights.gate = Matrix<S>::Identity(logits.cols(), logits.cols());
    return routed(logits);
  }
  // Random weights, the noise gate and the selection bias too, and rows and bytes to route.
  Matrix<S> randomise(Index tokens, Index hidden, base::Rng& rng) {
    weights = random_router<S>(config, hidden, rng);
    if (weights.noise.size() != 0)
      weights.noise = random_matrix<S>(config.num_experts, hidden, rng);
    for (Index e = 0; e < weights.selection_bias.size(); ++e) {
      weights.selection_bias(0, e) = static_cast<S>(0.1 * rng.normal());
    }
    bytes.resize(tokens);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(256));
    return random_matrix<S>(tokens, hidden, rng);
  }
};

// Largest difference between `slopes` and central differences of `value` along `parameters`.
inline double slope_error(Matrix<double>& parameters, const Matrix<double>& slopes,
                          const std::function<double()>& value) {
  constexpr double kStep = 1e-5;
  double worst = 0;
  for (Index i = 0; i < parameters.size(); ++i) {
    double& parameter = parameters.data()[i];
    const double old = parameter;
    parameter = old + kStep;
    const double above = value();
    parameter = old - kStep;
    const double below = value();
    parameter = old;
    worst = std::max(worst, std::abs((above - below) / (2 * kStep) - slopes.data()[i]));
  }
  return worst;
}

}  // namespace moesim::model
