// SPDX-License-Identifier: Apache-2.0
#include "model/router/gateless_choice.h"

#include <algorithm>

#include "base/check.h"
#include "base/rng.h"

namespace moesim::model {
namespace {

// Uniform in [0, bound): the upper half of bits x bound, off by at most bound / 2^64.
std::int32_t below(std::uint64_t bits, int bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int32_t>((Wide{bits} * static_cast<std::uint64_t>(bound)) >> 64);
}

// Draws `top_k` of num_experts, [first_draw, first_draw + top_k) of the field (Floyd's sampling,
// Bentley and Floyd 1987: one draw an expert, no rejection).
void draw_distinct(const base::RandomField& field, std::uint64_t first_draw, int num_experts,
                   std::span<std::int32_t> experts) {
  const int top_k = static_cast<int>(experts.size());
  for (int slot = 0; slot < top_k; ++slot) {
    const int last = num_experts - top_k + slot;  // not drawn before
    const std::int32_t drawn = below(field.bits(first_draw + slot), last + 1);
    const auto end = experts.begin() + slot;
    const bool is_new = std::find(experts.begin(), end, drawn) == end;
    *end = is_new ? drawn : last;
  }
}

// experts_of(token, first_draw) for every token; draws begin at key_of(token) * top_k.
template <class S, class KeyOf>
void choose_by_draw(const RouterRun<S>& run, const base::RandomField& field, const KeyOf& key_of,
                    RoutingBatch& batch) {
  const int top_k = run.config.top_k;
  batch.top_k = top_k;
  batch.experts.resize(static_cast<std::size_t>(batch.tokens) * top_k);
  for_row_pieces(run.pass, batch.tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      const std::span<std::int32_t> experts(batch.experts.data() + t * top_k, top_k);
      draw_distinct(field, key_of(t) * static_cast<std::uint64_t>(top_k), batch.num_experts,
                    experts);
    }
  });
}

}  // namespace

template <class S>
void choose_by_hash(const RouterRun<S>& run, RouterCache<S>& cache) {
  const auto bytes = run.context.bytes;
  CHECK(static_cast<Index>(bytes.size()) == cache.batch.tokens, "hash routing reads each byte");
  const base::RandomField field(0, draws_of(run.context, "hash"));
  choose_by_draw(
      run, field, [&](Index t) { return std::uint64_t{bytes[t]}; }, cache.batch);
}

template <class S>
void choose_at_random(const RouterRun<S>& run, RouterCache<S>& cache) {
  const base::RandomField field(run.pass.seed, draws_of(run.context, "random experts"));
  choose_by_draw(
      run, field, [](Index t) { return static_cast<std::uint64_t>(t); }, cache.batch);
}

template void choose_by_hash(const RouterRun<float>&, RouterCache<float>&);
template void choose_by_hash(const RouterRun<double>&, RouterCache<double>&);
template void choose_at_random(const RouterRun<float>&, RouterCache<float>&);
template void choose_at_random(const RouterRun<double>&, RouterCache<double>&);

}  // namespace moesim::model
