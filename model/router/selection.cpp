// SPDX-License-Identifier: Apache-2.0
#include "model/router/selection.h"

#include <array>

#include "base/named_table.h"
#include "model/router/expert_choice.h"
#include "model/router/gateless_choice.h"
#include "model/router/sinkhorn.h"

namespace moesim::model {
namespace {

// The batch's experts by falling `values`, [tokens, num_experts]; `groups` may limit them.
template <class S>
void select_by(const RouterRun<S>& run, const Matrix<S>& values, Selection<S> groups,
               RoutingBatch& batch) {
  groups.scores = values.data();
  groups.tokens = batch.tokens;
  groups.num_experts = batch.num_experts;
  groups.top_k = run.config.top_k;
  batch.top_k = run.config.top_k;
  batch.experts.resize(static_cast<std::size_t>(batch.tokens) * batch.top_k);
  run.pass.backend.select(groups, batch.experts.data());
}

template <class S>
Matrix<S> biased_scores(const RouterRun<S>& run, const RouterCache<S>& cache) {
  Matrix<S> scores = cache.scores;
  if (run.weights.selection_bias.size() != 0) {
    scores.rowwise() += run.weights.selection_bias.row(0);
  }
  return scores;
}

// Without a bias logits decide: they have the scores' order, and do not saturate as those do.
template <class S>
void choose_top_k(const RouterRun<S>& run, RouterCache<S>& cache) {
  if (run.weights.selection_bias.size() == 0) {
    select_by(run, cache.scored_logits(), {}, cache.batch);
  } else {
    select_by(run, biased_scores(run, cache), {}, cache.batch);
  }
}

template <class S>
void choose_group_limited(const RouterRun<S>& run, RouterCache<S>& cache) {
  Selection<S> groups;
  groups.n_group = run.config.n_group;
  groups.topk_group = run.config.topk_group;
  groups.group_best = run.config.score_function == ScoreFunction::sigmoid ? 2 : 1;
  select_by(run, biased_scores(run, cache), groups, cache.batch);
}

// The sum of all scores of a group is p(group).
template <class S>
void choose_two_level(const RouterRun<S>& run, RouterCache<S>& cache) {
  Selection<S> groups;
  groups.n_group = run.config.n_group;
  groups.topk_group = run.config.topk_group;
  groups.group_best = run.config.num_experts / run.config.n_group;
  select_by(run, cache.scores, groups, cache.batch);
}

template <class S>
void choose_balanced(const RouterRun<S>& run, RouterCache<S>& cache) {
  if (!run.pass.training) return choose_top_k(run, cache);
  const Matrix<S> balanced =
      sinkhorn_logits(run.pass, cache.logits, run.config.sinkhorn_iterations);
  select_by(run, balanced, {}, cache.batch);
}

template <class S>
struct Policy {
  RouterType id;
  void (*choose)(const RouterRun<S>&, RouterCache<S>&);
};

template <class S>
constexpr std::array kPolicies{
    Policy<S>{RouterType::top_k, choose_top_k<S>},
    Policy<S>{RouterType::group_limited, choose_group_limited<S>},
    Policy<S>{RouterType::noisy_top_k, choose_top_k<S>},
    Policy<S>{RouterType::expert_choice, choose_tokens<S>},
    Policy<S>{RouterType::hash, choose_by_hash<S>},
    Policy<S>{RouterType::random, choose_at_random<S>},
    Policy<S>{RouterType::two_level, choose_two_level<S>},
    Policy<S>{RouterType::sinkhorn, choose_balanced<S>},
};

}  // namespace

template <class S>
void choose_experts(const RouterRun<S>& run, RouterCache<S>& cache) {
  cache.batch.num_experts = run.config.num_experts;
  cache.batch.kept.clear();
  cache.chosen.clear();
  base::row_of(kPolicies<S>, run.config.type).choose(run, cache);
  cache.load.assign(run.config.num_experts, 0);
  for (const std::int32_t expert : cache.batch.experts) {
    if (expert != kNoExpert) ++cache.load[expert];
  }
}

template void choose_experts(const RouterRun<float>&, RouterCache<float>&);
template void choose_experts(const RouterRun<double>&, RouterCache<double>&);

}  // namespace moesim::model
