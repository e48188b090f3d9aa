// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/even_placement.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace moesim::sim {
namespace {

constexpr int kFree = -1;  // an empty slot, as a partner of an exchange

// Experts on ranks while they are being moved about.
class Board {
 public:
  Board(std::span<const std::int64_t> loads, std::span<const int> slots)
      : loads_(loads), slots_(slots), rank_of_(loads.size(), 0), held_(slots.size()) {
    sums_.resize(slots.size());
  }

  // Heaviest expert first, each to the emptiest rank that has a slot.
  void place_greedily() {
    std::vector<int> order(loads_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return loads_[a] > loads_[b]; });
    for (const int expert : order) put(expert, emptiest_with_slot());
  }

  // Exchanges one expert of the fullest rank; false where none helps.
  bool improve() {
    const int fullest =
        static_cast<int>(std::max_element(sums_.begin(), sums_.end()) - sums_.begin());
    const std::int64_t before = sums_[fullest];
    Exchange best{kFree, kFree, fullest, before};
    for (int partner = 0; partner < static_cast<int>(slots_.size()); ++partner) {
      if (partner != fullest) best = std::min(best, best_exchange(fullest, partner));
    }
    if (best.fuller_after >= before) return false;
    take(best.given);
    if (best.taken != kFree) take(best.taken);
    put(best.given, best.partner);
    if (best.taken != kFree) put(best.taken, fullest);
    return true;
  }

  const std::vector<int>& rank_of() const { return rank_of_; }

 private:
  struct Exchange {
    int given = kFree;  // expert of the fullest rank
    int taken = kFree;  // expert of the partner, or a free slot
    int partner = 0;
    std::int64_t fuller_after = 0;  // load of the fuller of the two

    bool operator<(const Exchange& other) const { return fuller_after < other.fuller_after; }
  };

  Exchange best_exchange(int fullest, int partner) const {
    Exchange best{kFree, kFree, partner, sums_[fullest]};
    std::vector<int> takable = held_[partner];
    if (static_cast<int>(takable.size()) < slots_[partner]) takable.push_back(kFree);
    for (const int given : held_[fullest]) {
      for (const int taken : takable) {
        const std::int64_t moved = loads_[given] - (taken == kFree ? 0 : loads_[taken]);
        const Exchange exchange{given, taken, partner,
                                std::max(sums_[fullest] - moved, sums_[partner] + moved)};
        best = std::min(best, exchange);
      }
    }
    return best;
  }

  int emptiest_with_slot() const {
    int emptiest = -1;
    for (int rank = 0; rank < static_cast<int>(slots_.size()); ++rank) {
      if (static_cast<int>(held_[rank].size()) >= slots_[rank]) continue;
      if (emptiest < 0 || sums_[rank] < sums_[emptiest]) emptiest = rank;
    }
    CHECK(emptiest >= 0, "there is a slot for every expert");
    return emptiest;
  }

  void put(int expert, int rank) {
    rank_of_[expert] = rank;
    sums_[rank] += loads_[expert];
    std::vector<int>& held = held_[rank];
    held.insert(std::lower_bound(held.begin(), held.end(), expert), expert);
  }

  void take(int expert) {
    const int rank = rank_of_[expert];
    sums_[rank] -= loads_[expert];
    std::erase(held_[rank], expert);
  }

  std::span<const std::int64_t> loads_;
  std::span<const int> slots_;
  std::vector<int> rank_of_;            // [experts]
  std::vector<std::vector<int>> held_;  // [ranks] experts, ascending
  std::vector<std::int64_t> sums_;      // [ranks]
};

}  // namespace

Placement even_placement(std::span<const std::int64_t> loads, std::span<const int> slots) {
  Board board(loads, slots);
  board.place_greedily();
  while (board.improve()) {
  }
  return model::placement_of(static_cast<int>(slots.size()), board.rank_of());
}

std::vector<std::int64_t> rank_loads(const Placement& placement,
                                     std::span<const std::int64_t> loads) {
  std::vector<std::int64_t> sums(placement.num_ranks);
  for (std::size_t expert = 0; expert < loads.size(); ++expert) {
    sums[placement.ranks_of_expert[expert].front()] += loads[expert];
  }
  return sums;
}

}  // namespace moesim::sim
