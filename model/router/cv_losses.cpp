// SPDX-License-Identifier: Apache-2.0
#include "model/router/cv_losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.h"

namespace moesim::model {
namespace {

template <class S>
std::vector<double> importance(const RouterCache<S>& cache) {
  std::vector<double> sums(cache.batch.num_experts);
  for (std::size_t pair = 0; pair < cache.batch.experts.size(); ++pair) {
    const std::int32_t expert = cache.batch.experts[pair];
    if (expert != kNoExpert) {
      sums[expert] += static_cast<double>(cache.weights_before_drop.data()[pair]);
    }
  }
  return sums;
}

// The smooth load's parts, token by token.
template <class S>
class SmoothLoad {
 public:
  // Finds each token's top_k + 1 largest noisy logits; top_k < num_experts.
  explicit SmoothLoad(const LossInputs<S>& inputs)
      : inputs_(inputs), ranked_(inputs.run.config.top_k + 1) {
    const Matrix<S>& noisy = inputs.cache.adjusted_logits;
    Selection<S> selection;
    selection.scores = noisy.data();
    selection.tokens = static_cast<int>(noisy.rows());
    selection.num_experts = static_cast<int>(noisy.cols());
    selection.top_k = ranked_;
    best_.resize(static_cast<std::size_t>(noisy.rows()) * ranked_);
    inputs.run.pass.backend.select(selection, best_.data());
  }

  // The expert whose noisy logit `expert` must exceed: the best of those not chosen for a chosen
  // one, the last of the chosen for any other.
  std::int32_t rival(Index token, std::int32_t expert) const {
    const std::int32_t* const best = best_.data() + token * ranked_;
    const bool is_chosen = std::find(best, best + ranked_ - 1, expert) != best + ranked_ - 1;
    return best[is_chosen ? ranked_ - 1 : ranked_ - 2];
  }

  // A softplus may underflow; the least normal number keeps 0 / 0 away.
  S scale(Index token, std::int32_t expert) const {
    if (inputs_.run.config.noise_scale == NoiseScale::fixed) {
      return static_cast<S>(inputs_.run.config.noise_std);
    }
    return std::max(inputs_.cache.noise_scale(token, expert), std::numeric_limits<S>::min());
  }

  // How many standard deviations the logit is above its rival's.
  S lead(Index token, std::int32_t expert) const {
    const S ahead = inputs_.cache.logits(token, expert) -
                    inputs_.cache.adjusted_logits(token, rival(token, expert));
    return ahead / scale(token, expert);
  }

  std::vector<double> sum() const {
    const Index tokens = inputs_.cache.logits.rows();
    const Index n = inputs_.cache.logits.cols();
    Matrix<double> sums = Matrix<double>::Zero((tokens + kRowsPerPiece - 1) / kRowsPerPiece, n);
    for_row_pieces(inputs_.run.pass, tokens, [&](Index first, Index end) {
      for (Index t = first; t < end; ++t) {
        for (std::int32_t e = 0; e < n; ++e) {
          const auto z = static_cast<double>(lead(t, e));
          sums(first / kRowsPerPiece, e) += 0.5 * std::erfc(-z / std::numbers::sqrt2);
        }
      }
    });
    std::vector<double> load(n);
    for (Index piece = 0; piece < sums.rows(); ++piece) {
      for (Index e = 0; e < n; ++e) load[e] += sums(piece, e);
    }
    return load;
  }

 private:
  const LossInputs<S>& inputs_;
  int ranked_;                      // top_k + 1
  std::vector<std::int32_t> best_;  // [tokens, ranked_]
};

template <class S>
bool has_smooth_load(const LossInputs<S>& inputs) {
  const RouterConfig& config = inputs.run.config;
  CHECK(config.type == RouterType::noisy_top_k, "the smooth load is defined by the noise");
  return inputs.run.pass.training && config.top_k < config.num_experts;
}

// Slopes of one token's chances, given those of the load, [num_experts].
template <class S>
void add_token_slopes(const SmoothLoad<S>& load, Index token, const std::vector<double>& d_load,
                      RouterSlopes<S>& slopes) {
  for (std::int32_t e = 0; e < static_cast<std::int32_t>(d_load.size()); ++e) {
    const auto z = static_cast<double>(load.lead(token, e));
    const double density = std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    if (density == 0) continue;  // z may be infinite
    const S along = static_cast<S>(d_load[e] * density) / load.scale(token, e);
    slopes.logits(token, e) += along;
    slopes.adjusted_logits(token, load.rival(token, e)) -= along;
    slopes.noise_scale(token, e) -= along * static_cast<S>(z);
  }
}

}  // namespace

double squared_cv(const std::vector<double>& values, std::vector<double>* slopes) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) sum += value;
  const auto n = static_cast<double>(values.size());
  const double mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (slopes != nullptr) slopes->assign(values.size(), 0);
  if (sum == 0) return 0;
  const double result = squares / n / (mean * mean);
  if (slopes == nullptr) return result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    (*slopes)[i] = 2 / (n * mean) * ((values[i] - mean) / mean - result);
  }
  return result;
}

template <class S>
double importance_loss(const LossInputs<S>& inputs) {
  return squared_cv(importance(inputs.cache), nullptr);
}

template <class S>
void add_importance_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  const RoutingBatch& batch = inputs.cache.batch;
  std::vector<double> slope;
  squared_cv(importance(inputs.cache), &slope);
  Matrix<S>& d_weights = zero_unless_there(slopes.weights, batch.tokens, batch.top_k);
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    const std::int32_t expert = batch.experts[pair];
    if (expert != kNoExpert) d_weights.data()[pair] += static_cast<S>(scale * slope[expert]);
  }
}

template <class S>
double load_loss(const LossInputs<S>& inputs) {
  if (has_smooth_load(inputs)) return squared_cv(SmoothLoad<S>(inputs).sum(), nullptr);
  return squared_cv({inputs.cache.load.begin(), inputs.cache.load.end()}, nullptr);
}

template <class S>
void add_load_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  if (!has_smooth_load(inputs)) return;
  const SmoothLoad<S> load(inputs);
  std::vector<double> d_load;
  squared_cv(load.sum(), &d_load);
  for (double& slope : d_load) slope *= scale;
  const Index tokens = inputs.cache.logits.rows();
  for (Matrix<S>* matrix : {&slopes.logits, &slopes.adjusted_logits, &slopes.noise_scale}) {
    zero_unless_there(*matrix, tokens, inputs.cache.logits.cols());
  }
  for_row_pieces(inputs.run.pass, tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) add_token_slopes(load, t, d_load, slopes);
  });
}

template double importance_loss(const LossInputs<float>&);
template double importance_loss(const LossInputs<double>&);
template void add_importance_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_importance_slope(const LossInputs<double>&, double, RouterSlopes<double>&);
template double load_loss(const LossInputs<float>&);
template double load_loss(const LossInputs<double>&);
template void add_load_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_load_slope(const LossInputs<double>&, double, RouterSlopes<double>&);

}  // namespace moesim::model
