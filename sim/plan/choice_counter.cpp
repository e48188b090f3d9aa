// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/choice_counter.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "sim/plan/mask_tally.h"

namespace moesim::sim {
namespace {

// A token's ranks and nodes are bits of one mask: rank r is bit r, node n is bit ranks + n. The
// mask of a token is the union of its experts' masks, so a place counts once however many of the
// token's experts are there.
template <int kWords>
class MaskCounter final : public ChoiceCounter {
 public:
  MaskCounter(const Placement& placement, const GroupLayout& layout, int top_k)
      : top_k_(top_k),
        num_ranks_(placement.num_ranks),
        num_nodes_(layout.num_nodes),
        place_(placement.num_experts()),
        rows_(placement.num_experts()) {
    for (int expert = 0; expert < placement.num_experts(); ++expert) {
      const int rank = placement.ranks_of_expert[expert].front();
      const int node = num_ranks_ + layout.node_of_rank[rank];
      place_[expert][rank / 64] |= std::uint64_t{1} << rank % 64;
      place_[expert][node / 64] |= std::uint64_t{1} << node % 64;
    }
  }

  void add(std::span<const std::int32_t> experts) override {
    constexpr int kTokens = MaskTally<kWords>::kMasks;
    const auto tokens = static_cast<int>(experts.size() / top_k_);
    tokens_ += tokens;
    const std::int32_t* next = experts.data();
    std::array<Mask<kWords>, kTokens> masks;
    for (int token = 0; token < tokens; token += kTokens) {
      const int here = std::min(kTokens, tokens - token);
      for (int i = 0; i < here; ++i, next += top_k_) masks[i] = places_of(next);
      std::fill(masks.begin() + here, masks.end(), Mask<kWords>{});
      tally_.add(masks);
    }
  }

  SourceCounts take() override {
    SourceCounts counts;
    counts.tokens = tokens_;
    counts.routed_pairs = std::int64_t{tokens_} * top_k_;
    counts.expert_demand = rows_;
    counts.replica_rows = rows_;
    const std::vector<int> copies = tally_.take();
    const auto first_node = copies.begin() + num_ranks_;
    counts.rank_copies.assign(copies.begin(), first_node);
    counts.node_copies.assign(first_node, first_node + num_nodes_);
    tokens_ = 0;
    std::fill(rows_.begin(), rows_.end(), 0);
    return counts;
  }

 private:
  // Where the token's experts are; counts their rows on the way.
  Mask<kWords> places_of(const std::int32_t* experts) {
    Mask<kWords> places{};
    for (int slot = 0; slot < top_k_; ++slot) {
      const std::int32_t expert = experts[slot];
      ++rows_[expert];
      for (int word = 0; word < kWords; ++word) places[word] |= place_[expert][word];
    }
    return places;
  }

  int top_k_;
  int num_ranks_;
  int num_nodes_;
  std::vector<Mask<kWords>> place_;  // [experts]
  int tokens_ = 0;
  std::vector<int> rows_;  // [experts]
  MaskTally<kWords> tally_;
};

}  // namespace

std::unique_ptr<ChoiceCounter> make_choice_counter(const Placement& placement,
                                                   const GroupLayout& layout, int top_k) {
  const auto& ranks = placement.ranks_of_expert;
  if (std::any_of(ranks.begin(), ranks.end(), [](const auto& of) { return of.size() > 1; })) {
    return nullptr;
  }
  const int places = placement.num_ranks + layout.num_nodes;
  if (places <= 128) return std::make_unique<MaskCounter<2>>(placement, layout, top_k);
  if (places <= 256) return std::make_unique<MaskCounter<4>>(placement, layout, top_k);
  if (places <= 1024) return std::make_unique<MaskCounter<16>>(placement, layout, top_k);
  return nullptr;
}

}  // namespace moesim::sim
