// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/select.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"

namespace moesim::model {
namespace {

constexpr int kBunch = 8;

// Picks the largest of some scores, one after another. The largest of each bunch of eight is kept
// beside them, so that a pick looks at the bunches and then at one of them: no step depends on a
// comparison that a processor could guess wrong, which is what insertion into a sorted list spends
// its time on.
template <class S>
class LargestFirst {
 public:
  // `count` scores at a time.
  explicit LargestFirst(int count)
      : bunches_((count + kBunch - 1) / kBunch),
        left_(static_cast<std::size_t>(bunches_) * kBunch, kTaken),
        largest_(bunches_) {}

  // A score that is not a number counts as the smallest.
  void load(const S* scores, int count) {
    for (int i = 0; i < count; ++i) left_[i] = scores[i] > kLeast ? scores[i] : kLeast;
    for (int b = 0; b < bunches_; ++b) largest_[b] = largest_of(b);
  }

  // The largest score left, and of equal ones the lowest; it is not left any more.
  int take() {
    int bunch = 0;
    for (int b = 1; b < bunches_; ++b) bunch = largest_[b] > largest_[bunch] ? b : bunch;
    S* const members = left_.data() + static_cast<std::ptrdiff_t>(bunch) * kBunch;
    int member = 0;
    for (int m = 1; m < kBunch; ++m) member = members[m] > members[member] ? m : member;
    members[member] = kTaken;
    largest_[bunch] = largest_of(bunch);
    return bunch * kBunch + member;
  }

  // Takes all of [first, end) away.
  void take_all(int first, int end) {
    std::fill(left_.begin() + first, left_.begin() + end, kTaken);
    for (int b = first / kBunch; b * kBunch < end; ++b) largest_[b] = largest_of(b);
  }

 private:
  static constexpr S kTaken = -std::numeric_limits<S>::infinity();
  static constexpr S kLeast = std::numeric_limits<S>::lowest();

  S largest_of(int bunch) const {
    const S* const members = left_.data() + static_cast<std::ptrdiff_t>(bunch) * kBunch;
    S largest = members[0];
    for (int m = 1; m < kBunch; ++m) largest = members[m] > largest ? members[m] : largest;
    return largest;
  }

  int bunches_;
  std::vector<S> left_;     // [bunches, kBunch]; kTaken where taken, and past the last score
  std::vector<S> largest_;  // [bunches]
};

// The groups of experts that a token may not use.
template <class S>
class GroupLimit {
 public:
  explicit GroupLimit(const Selection<S>& selection)
      : selection_(selection),
        size_(selection.num_experts / selection.n_group),
        members_(size_),
        groups_(selection.n_group),
        scores_(selection.n_group) {}

  // Takes their experts away from `left`.
  void apply(const S* scores, LargestFirst<S>& left) {
    for (int group = 0; group < selection_.n_group; ++group) {
      scores_[group] = score_of(scores + static_cast<std::ptrdiff_t>(group) * size_);
    }
    groups_.load(scores_.data(), selection_.n_group);
    for (int i = 0; i < selection_.topk_group; ++i) groups_.take();
    for (int i = selection_.topk_group; i < selection_.n_group; ++i) {
      const int group = groups_.take();
      left.take_all(group * size_, (group + 1) * size_);
    }
  }

 private:
  S score_of(const S* members) {
    members_.load(members, size_);
    S sum = 0;
    for (int i = 0; i < std::min(size_, selection_.group_best); ++i) {
      sum += members[members_.take()];
    }
    return sum;
  }

  const Selection<S>& selection_;
  int size_;
  LargestFirst<S> members_;
  LargestFirst<S> groups_;
  std::vector<S> scores_;  // [n_group]
};

}  // namespace

template <class S>
void select_experts(const Selection<S>& selection, int first, int end, std::int32_t* experts) {
  const Selection<S>& s = selection;
  CHECK(s.n_group >= 1 && s.num_experts % s.n_group == 0, "groups are of equal size");
  CHECK(s.topk_group >= 1 && s.topk_group <= s.n_group, "some groups take part");
  CHECK(s.top_k >= 1 && s.top_k <= s.num_experts / s.n_group * s.topk_group,
        "a token cannot choose more experts than there are");
  LargestFirst<S> left(s.num_experts);
  GroupLimit<S> limit(s);
  for (int token = first; token < end; ++token) {
    const S* const scores = s.scores + static_cast<Index>(token) * s.num_experts;
    std::int32_t* const chosen = experts + static_cast<Index>(token) * s.top_k;
    left.load(scores, s.num_experts);
    if (s.topk_group < s.n_group) limit.apply(scores, left);
    for (int slot = 0; slot < s.top_k; ++slot) chosen[slot] = left.take();
  }
}

template void select_experts(const Selection<float>&, int, int, std::int32_t*);
template void select_experts(const Selection<double>&, int, int, std::int32_t*);

}  // namespace moesim::model
