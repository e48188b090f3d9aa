// SPDX-License-Identifier: Apache-2.0
#include "model/router/routing_weights.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

// One token's slots. Empty ones come last.
struct Slots {
  Index token;
  std::span<const std::int32_t> experts;  // those in use
  Index first_pair;
};

Slots slots_of(const RoutingBatch& batch, Index token) {
  const Index first_pair = token * batch.top_k;
  const std::int32_t* const experts = batch.experts.data() + first_pair;
  const auto used = std::find(experts, experts + batch.top_k, kNoExpert) - experts;
  return {token, {experts, static_cast<std::size_t>(used)}, first_pair};
}

template <class S>
bool is_log_sigmoid(const RouterConfig& config) {
  return config.weights == RoutingWeights::renormalised &&
         config.score_function == ScoreFunction::sigmoid;
}

// One token's weights before drops, [slots].
template <class S>
void weigh(const RouterConfig& config, const RouterCache<S>& cache, const Slots& slots,
           S* weights) {
  const Matrix<S>& logits = cache.scored_logits();
  const auto n = static_cast<Index>(slots.experts.size());
  const bool as_is = config.weights == RoutingWeights::as_is;
  const bool log_score = is_log_sigmoid<S>(config);
  for (Index slot = 0; slot < n; ++slot) {
    const std::int32_t expert = slots.experts[slot];
    const S logit = logits(slots.token, expert);
    weights[slot] = as_is       ? cache.scores(slots.token, expert)
                    : log_score ? vector_math::log_sigmoid_value(logit)
                                : logit;
  }
  if (!as_is && n > 0) softmax_in_place(weights, n);
}

// The kept part of one token's weights. Where nothing was dropped, or there is no renormalising,
// `factor` is 1.
template <class S>
struct KeptWeights {
  S kept_sum = 0;
  S factor = 1;
};

template <class S>
KeptWeights<S> sum_kept(const RouterConfig& config, const RouterCache<S>& cache,
                        const Slots& slots) {
  KeptWeights<S> result;
  if (!config.renormalise_after_drop || cache.batch.kept.empty()) return result;
  const S* const weights = cache.weights_before_drop.data() + slots.first_pair;
  S all = 0;
  for (std::size_t slot = 0; slot < slots.experts.size(); ++slot) {
    all += weights[slot];
    if (cache.batch.is_kept(slots.first_pair + slot)) result.kept_sum += weights[slot];
  }
  // Equal sums also where nothing is kept of weights that are all zero.
  if (result.kept_sum != all) result.factor = result.kept_sum > 0 ? all / result.kept_sum : S(0);
  return result;
}

// Through w'_i = f w_i, f = sum of all w / sum of kept w, for the kept i: with D = sum over kept of
// d_i w_i and K the kept sum, dw_j = D / K + (d_j f - D f / K where j is kept).
template <class S>
void renormalise_backward(const RouterCache<S>& cache, const Slots& slots,
                          const KeptWeights<S>& kept, S* slopes) {
  const S* const weights = cache.weights_before_drop.data() + slots.first_pair;
  const auto n = static_cast<Index>(slots.experts.size());
  const S sum = row_dot(slopes, weights, n);  // slopes of dropped pairs are zero
  const S inverse = kept.kept_sum > 0 ? S(1) / kept.kept_sum : S(0);
  for (Index slot = 0; slot < n; ++slot) {
    const bool is_kept = cache.batch.is_kept(slots.first_pair + slot);
    const S of_kept = is_kept ? kept.factor * (slopes[slot] - sum * inverse) : S(0);
    slopes[slot] = sum * inverse + of_kept;
  }
}

// dz_i = w_i (dw_i - sum_j w_j dw_j), for log s of a sigmoid times d log s / dz = s(-z).
template <class S>
void softmax_slots_backward(const RouterConfig& config, const RouterCache<S>& cache,
                            const Slots& slots, const S* d_weights, Matrix<S>& d_logits) {
  const S* const weights = cache.weights_before_drop.data() + slots.first_pair;
  const auto n = static_cast<Index>(slots.experts.size());
  const S mean = row_dot(weights, d_weights, n);
  const bool log_score = is_log_sigmoid<S>(config);
  for (Index slot = 0; slot < n; ++slot) {
    const std::int32_t expert = slots.experts[slot];
    S slope = weights[slot] * (d_weights[slot] - mean);
    if (log_score) slope *= vector_math::sigmoid_value(-cache.scored_logits()(slots.token, expert));
    d_logits(slots.token, expert) += slope;
  }
}

}  // namespace

template <class S>
void weigh_experts(const RouterRun<S>& run, RouterCache<S>& cache) {
  RoutingBatch& batch = cache.batch;
  const bool gate = has_gate(run.config);
  cache.weights_before_drop.resize(batch.tokens, batch.top_k);
  for_row_pieces(run.pass, batch.tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      S* const weights = cache.weights_before_drop.data() + t * batch.top_k;
      std::fill_n(weights, batch.top_k, gate ? S(0) : S(1) / static_cast<S>(batch.top_k));
      if (gate) weigh(run.config, cache, slots_of(batch, t), weights);
    }
  });
  batch.weights.resize(batch.experts.size());
  std::transform(cache.weights_before_drop.data(),
                 cache.weights_before_drop.data() + batch.experts.size(), batch.weights.begin(),
                 [](S weight) { return static_cast<float>(weight); });
}

template <class S>
void finish_weights(const RouterRun<S>& run, RouterCache<S>& cache) {
  RoutingBatch& batch = cache.batch;
  const S scaling = static_cast<S>(run.config.routed_scaling_factor);
  cache.weights.resize(batch.tokens, batch.top_k);
  for_row_pieces(run.pass, batch.tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      const S factor = scaling * sum_kept(run.config, cache, slots_of(batch, t)).factor;
      for (Index pair = t * batch.top_k; pair < (t + 1) * batch.top_k; ++pair) {
        const S before = cache.weights_before_drop.data()[pair];
        const bool is_kept = batch.is_kept(pair);
        cache.weights.data()[pair] = is_kept ? before * factor : S(0);
        batch.weights[pair] = static_cast<float>(before * (is_kept ? factor : scaling));
      }
    }
  });
}

template <class S>
void finish_weights_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                             const Matrix<S>& d_weights, RouterSlopes<S>& slopes) {
  const RoutingBatch& batch = cache.batch;
  const S scaling = static_cast<S>(run.config.routed_scaling_factor);
  CHECK(d_weights.rows() == batch.tokens && d_weights.cols() == batch.top_k,
        "one slope for each routing weight");
  slopes.weights.resize(batch.tokens, batch.top_k);
  for_row_pieces(run.pass, batch.tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      for (Index pair = t * batch.top_k; pair < (t + 1) * batch.top_k; ++pair) {
        slopes.weights.data()[pair] = batch.is_kept(pair) ? d_weights.data()[pair] * scaling : S(0);
      }
      const Slots slots = slots_of(batch, t);
      const KeptWeights<S> kept = sum_kept(run.config, cache, slots);
      if (kept.factor == S(1)) continue;
      renormalise_backward(cache, slots, kept, slopes.weights.data() + slots.first_pair);
    }
  });
}

template <class S>
void weigh_experts_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                            RouterSlopes<S>& slopes) {
  const RoutingBatch& batch = cache.batch;
  const bool as_is = run.config.weights == RoutingWeights::as_is;
  Matrix<S>& target = zero_unless_there(as_is ? slopes.scores : slopes.adjusted_logits,
                                        batch.tokens, batch.num_experts);
  for_row_pieces(run.pass, batch.tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      const Slots slots = slots_of(batch, t);
      const S* const d_weights = slopes.weights.data() + slots.first_pair;
      if (!as_is) {
        softmax_slots_backward(run.config, cache, slots, d_weights, target);
        continue;
      }
      for (std::size_t slot = 0; slot < slots.experts.size(); ++slot) {
        target(t, slots.experts[slot]) += d_weights[slot];
      }
    }
  });
}

template void weigh_experts(const RouterRun<float>&, RouterCache<float>&);
template void weigh_experts(const RouterRun<double>&, RouterCache<double>&);
template void finish_weights(const RouterRun<float>&, RouterCache<float>&);
template void finish_weights(const RouterRun<double>&, RouterCache<double>&);
template void finish_weights_backward(const RouterRun<float>&, const RouterCache<float>&,
                                      const Matrix<float>&, RouterSlopes<float>&);
template void finish_weights_backward(const RouterRun<double>&, const RouterCache<double>&,
                                      const Matrix<double>&, RouterSlopes<double>&);
template void weigh_experts_backward(const RouterRun<float>&, const RouterCache<float>&,
                                     RouterSlopes<float>&);
template void weigh_experts_backward(const RouterRun<double>&, const RouterCache<double>&,
                                     RouterSlopes<double>&);

}  // namespace moesim::model
