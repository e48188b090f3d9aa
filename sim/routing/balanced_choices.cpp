// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/balanced_choices.h"

#include <algorithm>
#include <vector>

namespace moesim::sim {
namespace {

using model::kNoExpert;

class Balancer {
 public:
  Balancer(model::RoutingBatch& batch, int first_extra) : batch_(batch) {
    const int experts = batch.num_experts;
    const auto filled = static_cast<int>(
        batch.experts.size() - static_cast<std::size_t>(std::count(
                                   batch.experts.begin(), batch.experts.end(), kNoExpert)));
    for (int expert = 0; expert < experts; ++expert) {
      const int place = (expert - first_extra % experts + experts) % experts;
      room_.push_back(filled / experts + (place < filled % experts ? 1 : 0));
    }
  }

  void run() {
    const std::vector<std::size_t> moving = pairs_beyond_share();
    std::vector<std::size_t> stuck;
    for (const std::size_t pair : moving) {
      if (!give_next(pair)) stuck.push_back(pair);
    }
    for (const std::size_t pair : stuck) {
      if (!give_next(pair)) exchange(pair);
    }
  }

 private:
  // Leaves their slots without an expert.
  std::vector<std::size_t> pairs_beyond_share() {
    std::vector<std::size_t> beyond;
    for (std::size_t pair = 0; pair < batch_.experts.size(); ++pair) {
      std::int32_t& expert = batch_.experts[pair];
      if (expert == kNoExpert) continue;
      if (room_[expert] > 0) {
        --room_[expert];
        continue;
      }
      beyond.push_back(pair);
      expert = kNoExpert;
    }
    for (std::size_t expert = 0; expert < room_.size(); ++expert) {
      if (room_[expert] > 0) open_.push_back(static_cast<int>(expert));
    }
    return beyond;
  }

  std::size_t first_of_token(std::size_t pair) const {
    return pair - pair % static_cast<std::size_t>(batch_.top_k);
  }

  bool token_has(std::size_t pair, int expert) const {
    const auto first = batch_.experts.begin() + static_cast<std::ptrdiff_t>(first_of_token(pair));
    return std::find(first, first + batch_.top_k, expert) != first + batch_.top_k;
  }

  // The next expert in turn that has room and that the token does not have.
  bool give_next(std::size_t pair) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::size_t place = (turn_ + i) % open_.size();
      const int expert = open_[place];
      if (token_has(pair, expert)) continue;
      batch_.experts[pair] = expert;
      turn_ = place + 1;
      take_room(expert);
      return true;
    }
    return false;
  }

  void take_room(int expert) {
    if (--room_[expert] > 0) return;
    const auto place = std::find(open_.begin(), open_.end(), expert);
    if (place < open_.begin() + static_cast<std::ptrdiff_t>(turn_)) --turn_;
    open_.erase(place);
  }

  // The token has all experts that have room: another token takes one of these and gives it one
  // that it lacks. There is such a token, since an expert's share is at most the tokens.
  void exchange(std::size_t pair) {
    const int wanted = open_.front();
    for (std::size_t other = 0; other < batch_.experts.size(); ++other) {
      const int given = batch_.experts[other];
      if (given == kNoExpert || token_has(other, wanted) || token_has(pair, given)) continue;
      batch_.experts[pair] = given;
      batch_.experts[other] = wanted;
      take_room(wanted);
      return;
    }
  }

  model::RoutingBatch& batch_;
  std::vector<int> room_;  // [experts] pairs that they may still take
  std::vector<int> open_;  // experts with room, ascending
  std::size_t turn_ = 0;   // place in open_
};

}  // namespace

void balance_choices(model::RoutingBatch& batch, int first_extra) {
  undo_drops(batch);
  if (batch.experts.empty()) return;
  Balancer(batch, first_extra).run();
}

void undo_drops(model::RoutingBatch& batch) {
  if (batch.kept.empty()) return;
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    batch.kept[pair] = batch.experts[pair] != kNoExpert ? 1 : 0;
  }
}

}  // namespace moesim::sim
