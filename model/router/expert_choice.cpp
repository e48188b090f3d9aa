// SPDX-License-Identifier: Apache-2.0
#include "model/router/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/router/capacity.h"

namespace moesim::model {
namespace {

// Marks in is_chosen, [tokens, num_experts], the `slots` tokens that `expert` takes.
template <class S>
void take_best(const Matrix<S>& scores, int expert, int slots,
               std::vector<std::uint8_t>& is_chosen) {
  const Index num_experts = scores.cols();
  std::vector<std::int32_t> tokens(scores.rows());
  std::iota(tokens.begin(), tokens.end(), 0);
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const S first = scores(a, expert);
    const S second = scores(b, expert);
    if (std::isnan(first) || std::isnan(second)) {
      return std::isnan(first) == std::isnan(second) ? a < b : std::isnan(second);
    }
    return first != second ? first > second : a < b;
  };
  if (slots < scores.rows()) {
    std::nth_element(tokens.begin(), tokens.begin() + slots, tokens.end(), better);
  }
  for (int i = 0; i < slots; ++i) is_chosen[tokens[i] * num_experts + expert] = 1;
}

}  // namespace

template <class S>
void choose_tokens(const RouterRun<S>& run, RouterCache<S>& cache) {
  RoutingBatch& batch = cache.batch;
  const int slots = std::min(slots_of_expert(run.config, batch.tokens), batch.tokens);
  std::vector<std::uint8_t> is_chosen(cache.scores.size());
  run.pass.threads.run(batch.num_experts,
                       [&](int expert) { take_best(cache.scores, expert, slots, is_chosen); });

  std::vector<std::int32_t> used(batch.tokens);  // experts of each token
  for (std::size_t i = 0; i < is_chosen.size(); ++i) used[i / batch.num_experts] += is_chosen[i];
  batch.top_k = *std::max_element(used.begin(), used.end());
  batch.experts.assign(static_cast<std::size_t>(batch.tokens) * batch.top_k, kNoExpert);
  for (int t = 0; t < batch.tokens; ++t) {
    auto slot = batch.experts.begin() + static_cast<std::ptrdiff_t>(t) * batch.top_k;
    const std::uint8_t* const chosen =
        is_chosen.data() + static_cast<std::size_t>(t) * batch.num_experts;
    for (int e = 0; e < batch.num_experts; ++e) {
      if (chosen[e] != 0) *slot++ = e;
    }
  }
  if (*std::min_element(used.begin(), used.end()) == batch.top_k) return;
  batch.kept.resize(batch.experts.size());
  std::transform(batch.experts.begin(), batch.experts.end(), batch.kept.begin(),
                 [](std::int32_t expert) { return std::uint8_t{expert != kNoExpert}; });
}

template void choose_tokens(const RouterRun<float>&, RouterCache<float>&);
template void choose_tokens(const RouterRun<double>&, RouterCache<double>&);

}  // namespace moesim::model
