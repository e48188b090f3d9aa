// SPDX-License-Identifier: Apache-2.0
#include "model/router/top_k_softmax.h"

#include <limits>
#include <vector>

#include "base/check.h"

namespace moesim::model {
namespace {

constexpr int kGroup = 8;

// Picks the largest logits of one token, one after another. The largest of each group of eight is
// kept beside them, so that a pick looks at the groups and then at one of them: no step depends on
// a comparison that a processor could guess wrong, which is what insertion into a sorted list
// spends its time on.
template <class S>
class LargestFirst {
 public:
  // `num_experts` logits at a time.
  explicit LargestFirst(int num_experts)
      : groups_((num_experts + kGroup - 1) / kGroup),
        left_(static_cast<std::size_t>(groups_) * kGroup, kTaken),
        largest_(groups_) {}

  // A logit that is not a number counts as the smallest.
  void load(const S* logits, int num_experts) {
    for (int e = 0; e < num_experts; ++e) left_[e] = logits[e] > kLeast ? logits[e] : kLeast;
    for (int g = 0; g < groups_; ++g) largest_[g] = largest_of(g);
  }

  // The largest logit left, and of equal ones the lowest expert; it is not left any more.
  std::int32_t take() {
    int group = 0;
    for (int g = 1; g < groups_; ++g) group = largest_[g] > largest_[group] ? g : group;
    S* const members = left_.data() + static_cast<std::ptrdiff_t>(group) * kGroup;
    int member = 0;
    for (int m = 1; m < kGroup; ++m) member = members[m] > members[member] ? m : member;
    members[member] = kTaken;
    largest_[group] = largest_of(group);
    return group * kGroup + member;
  }

 private:
  static constexpr S kTaken = -std::numeric_limits<S>::infinity();
  static constexpr S kLeast = std::numeric_limits<S>::lowest();

  S largest_of(int group) const {
    const S* const members = left_.data() + static_cast<std::ptrdiff_t>(group) * kGroup;
    S largest = members[0];
    for (int m = 1; m < kGroup; ++m) largest = members[m] > largest ? members[m] : largest;
    return largest;
  }

  int groups_;
  std::vector<S> left_;     // [groups, kGroup]; kTaken where taken, and past the last expert
  std::vector<S> largest_;  // [groups]
};

}  // namespace

template <class S>
void top_k_softmax(const Matrix<S>& logits, int top_k, TopKRouting<S>& routing) {
  const auto tokens = static_cast<int>(logits.rows());
  const auto num_experts = static_cast<int>(logits.cols());
  CHECK(top_k >= 1 && top_k <= num_experts, "a token cannot choose more experts than there are");
  RoutingBatch& batch = routing.batch;
  batch.tokens = tokens;
  batch.top_k = top_k;
  batch.num_experts = num_experts;
  batch.experts.resize(static_cast<std::size_t>(tokens) * top_k);
  batch.weights.resize(batch.experts.size());
  routing.weights.resize(tokens, top_k);
  LargestFirst<S> left(num_experts);
  for (int token = 0; token < tokens; ++token) {
    const S* const scores = logits.data() + static_cast<Index>(token) * num_experts;
    std::int32_t* const chosen = batch.experts.data() + static_cast<Index>(token) * top_k;
    left.load(scores, num_experts);
    for (int slot = 0; slot < top_k; ++slot) {
      chosen[slot] = left.take();
      routing.weights(token, slot) = scores[chosen[slot]];
    }
  }
  softmax_rows(routing.weights);
  Matrix<float>::Map(batch.weights.data(), tokens, top_k) = routing.weights.template cast<float>();
}

template <class S>
Matrix<S> top_k_softmax_backward(const TopKRouting<S>& routing, const Matrix<S>& d_weights) {
  const RoutingBatch& batch = routing.batch;
  Matrix<S> d_logits = Matrix<S>::Zero(batch.tokens, batch.num_experts);
  for (int token = 0; token < batch.tokens; ++token) {
    const S mean = routing.weights.row(token).dot(d_weights.row(token));
    for (int slot = 0; slot < batch.top_k; ++slot) {
      const std::int32_t expert =
          batch.experts[static_cast<std::size_t>(token) * batch.top_k + slot];
      d_logits(token, expert) = routing.weights(token, slot) * (d_weights(token, slot) - mean);
    }
  }
  return d_logits;
}

template void top_k_softmax(const Matrix<float>&, int, TopKRouting<float>&);
template void top_k_softmax(const Matrix<double>&, int, TopKRouting<double>&);
template Matrix<float> top_k_softmax_backward(const TopKRouting<float>&, const Matrix<float>&);
template Matrix<double> top_k_softmax_backward(const TopKRouting<double>&, const Matrix<double>&);

}  // namespace moesim::model
