// SPDX-License-Identifier: Apache-2.0
#include "model/router/router.h"

#include <cmath>
#include <numeric>

#include "base/check.h"
#include "model/router/capacity.h"
#include "model/router/gate_logits.h"
#include "model/router/routing_weights.h"
#include "model/router/scores.h"
#include "model/router/selection.h"

namespace moesim::model {
namespace {

// Uniform with variance 1 / columns.
template <class S>
Matrix<S> random_gate(Index rows, Index hidden, base::Rng& rng) {
  const double bound = std::sqrt(3.0 / static_cast<double>(hidden));
  Matrix<S> gate(rows, hidden);
  for (Index i = 0; i < gate.size(); ++i) {
    gate.data()[i] = static_cast<S>(bound * (2 * rng.uniform() - 1));
  }
  return gate;
}

// Scores of a router that has none: what its choices weigh.
template <class S>
void score_choices(RouterCache<S>& cache) {
  const RoutingBatch& batch = cache.batch;
  cache.scores.setZero(batch.tokens, batch.num_experts);
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    cache.scores(pair / batch.top_k, batch.experts[pair]) = S(1) / static_cast<S>(batch.top_k);
  }
}

template <class S>
void drop_overflow(const RouterRun<S>& run, RouterCache<S>& cache) {
  if (!can_drop(run.config)) return;
  const bool may_move = run.config.overflow == OverflowPolicy::next_best;
  if (may_move) cache.chosen = cache.batch.experts;
  const std::span<const S> scores(cache.scores.data(), cache.scores.size());
  apply_capacity(run.config, scores, cache.batch);
  if (may_move && cache.chosen != cache.batch.experts) weigh_experts(run, cache);
}

}  // namespace

template <class S>
RouterWeights<S> random_router(const RouterConfig& config, Index hidden, base::Rng& rng) {
  RouterWeights<S> weights;
  if (!has_gate(config)) return weights;
  weights.gate = random_gate<S>(config.num_experts, hidden, rng);
  if (config.type == RouterType::noisy_top_k && config.noise_scale == NoiseScale::learned) {
    weights.noise.setZero(config.num_experts, hidden);
  }
  if (config.type == RouterType::two_level) {
    weights.group_gate = random_gate<S>(config.n_group, hidden, rng);
  }
  if (config.balance.bias_update_rate > 0) weights.selection_bias.setZero(1, config.num_experts);
  return weights;
}

template <class S>
void route(const RouterRun<S>& run, const Matrix<S>& x, RouterCache<S>& cache) {
  CHECK(x.rows() >= 1, "there are tokens to route");
  const bool gate = has_gate(run.config);
  cache.batch.tokens = static_cast<int>(x.rows());
  if (gate) {
    gate_logits(run, x, cache);
    score_experts(run, cache);
  }
  choose_experts(run, cache);
  if (!gate) score_choices(cache);
  weigh_experts(run, cache);
  drop_overflow(run, cache);
  finish_weights(run, cache);
  cache.losses = balance_losses(balance_inputs(run, cache));
  cache.loss =
      std::accumulate(cache.losses.begin(), cache.losses.end(), 0.0,
                      [](double sum, const BalanceTerm& term) { return sum + term.value; });
}

template <class S>
void RouterBackward<S>::run(const Matrix<S>& x, const RouterCache<S>& cache,
                            const Matrix<S>& d_weights, RouterWeights<S>& gradient,
                            Matrix<S>& dx) const {
  if (!pass.add_gradients && weights.selection_bias.size() != 0) {
    gradient.selection_bias.setZero(1, weights.selection_bias.cols());
  }
  if (!has_gate(config)) return;
  const RouterRun<S> forward{weights, config, context, pass};
  RouterSlopes<S> slopes;
  finish_weights_backward(forward, cache, d_weights, slopes);
  add_balance_slopes(balance_inputs(forward, cache), loss_scale, slopes);
  weigh_experts_backward(forward, cache, slopes);
  scores_backward(forward, cache, slopes);
  gate_logits_backward(forward, x, cache, slopes, GateGradients<S>{gradient, dx});
}

template <class S>
void update_selection_bias(std::span<const std::int64_t> load, double rate,
                           Matrix<S>& selection_bias) {
  CHECK(static_cast<Index>(load.size()) == selection_bias.cols(), "one load for each expert");
  const auto total = std::accumulate(load.begin(), load.end(), std::int64_t{0});
  const auto num_experts = static_cast<std::int64_t>(load.size());
  for (Index e = 0; e < selection_bias.cols(); ++e) {
    // Signs of whole numbers: at the mean load the bias stays.
    const std::int64_t above_mean = load[e] * num_experts - total;
    const int sign = above_mean < 0 ? 1 : above_mean > 0 ? -1 : 0;
    selection_bias(0, e) += static_cast<S>(sign * rate);
  }
}

template RouterWeights<float> random_router(const RouterConfig&, Index, base::Rng&);
template RouterWeights<double> random_router(const RouterConfig&, Index, base::Rng&);
template void route(const RouterRun<float>&, const Matrix<float>&, RouterCache<float>&);
template void route(const RouterRun<double>&, const Matrix<double>&, RouterCache<double>&);
template struct RouterBackward<float>;
template struct RouterBackward<double>;
template void update_selection_bias(std::span<const std::int64_t>, double, Matrix<float>&);
template void update_selection_bias(std::span<const std::int64_t>, double, Matrix<double>&);

}  // namespace moesim::model
