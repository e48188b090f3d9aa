// SPDX-License-Identifier: Apache-2.0
// The choice of experts by score, a warp for each token: the order of model::Selection (falling
// score, of equal ones the lower expert, a score that is not a number as the smallest). Instead of
// marking what is taken, each round looks for what comes next in that order.
#pragma once

#include <cstdint>

#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

// As model::Selection has them.
struct ChoiceRule {
  int num_experts = 0;
  int top_k = 1;
  int n_group = 1;
  int topk_group = 1;
  int group_best = 2;
};

struct Candidate {
  float score;
  int index;
};

MOESIM_DEVICE_CODE float comparable(float score) {
  constexpr float kLeast = -0x1.fffffep127F;
  return score > kLeast ? score : kLeast;
}

MOESIM_DEVICE_CODE bool comes_before(const Candidate& a, const Candidate& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

// Before and after all others.
MOESIM_DEVICE_CODE Candidate first_of_all() { return {vector_math::from_bits(0x7f800000U), -1}; }
MOESIM_DEVICE_CODE Candidate last_of_all() {
  return {vector_math::from_bits(0xff800000U), 0x7fffffff};
}

// The candidates [first, count), every stride-th: the one next after `previous`.
template <class ScoreAt>
MOESIM_DEVICE_CODE Candidate scan_next(const Candidate& previous, int first, int count, int stride,
                                       const ScoreAt& score_at) {
  Candidate next = last_of_all();
  for (int i = first; i < count; i += stride) {
    const Candidate candidate = {comparable(score_at(i)), i};
    if (comes_before(previous, candidate) && comes_before(candidate, next)) next = candidate;
  }
  return next;
}

// The first of the lanes' candidates, to all lanes.
template <class Thread>
MOESIM_KERNEL_CODE Candidate first_of_warp(const Thread& thread, Candidate mine) {
  for (int width = kWarp / 2; width > 0; width /= 2) {
    const Candidate other = {thread.shuffle_down(mine.score, width, kWarp),
                             thread.shuffle_down(mine.index, width, kWarp)};
    if (comes_before(other, mine)) mine = other;
  }
  return {thread.shuffle(mine.score, 0), thread.shuffle(mine.index, 0)};
}

template <class Thread, class ScoreAt>
MOESIM_KERNEL_CODE Candidate warp_next(const Thread& thread, const Candidate& previous, int count,
                                       const ScoreAt& score_at) {
  const int lane = thread.index() % kWarp;
  return first_of_warp(thread, scan_next(previous, lane, count, kWarp, score_at));
}

// The sum of a group's group_best largest scores, by one lane.
template <class ScoreAt>
MOESIM_DEVICE_CODE float group_score(const ChoiceRule& rule, int group, const ScoreAt& score_at) {
  const int size = rule.num_experts / rule.n_group;
  const auto member = [&](int i) { return score_at(group * size + i); };
  const int best = size < rule.group_best ? size : rule.group_best;
  Candidate last = first_of_all();
  float sum = 0;
  for (int i = 0; i < best; ++i) {
    last = scan_next(last, 0, size, 1, member);
    sum += member(last.index);
  }
  return sum;
}

// The last group that a token may use, in the groups' order. `scores` is room for the warp's
// groups.
template <class Thread, class ScoreAt>
MOESIM_KERNEL_CODE Candidate last_group(const Thread& thread, const ChoiceRule& rule,
                                        const ScoreAt& score_at, float* scores) {
  thread.sync_warp();  // until the token before is done with the room
  for (int g = thread.index() % kWarp; g < rule.n_group; g += kWarp) {
    scores[g] = group_score(rule, g, score_at);
  }
  thread.sync_warp();
  const auto of_group = [&](int g) { return scores[g]; };
  Candidate last = first_of_all();
  for (int i = 0; i < rule.topk_group; ++i) last = warp_next(thread, last, rule.n_group, of_group);
  return last;
}

// Writes a token's top_k experts by score_at(expert). `room`: [n_group] of the warp's own.
template <class Thread, class ScoreAt>
MOESIM_KERNEL_CODE void choose_experts(const Thread& thread, const ChoiceRule& rule,
                                       const ScoreAt& score_at, float* room,
                                       std::int32_t* experts) {
  const bool limited = rule.topk_group < rule.n_group;
  const int size = rule.num_experts / rule.n_group;
  const Candidate limit = limited ? last_group(thread, rule, score_at, room) : last_of_all();
  Candidate last = first_of_all();
  for (int slot = 0; slot < rule.top_k; ++slot) {
    Candidate next = last_of_all();
    for (int e = thread.index() % kWarp; e < rule.num_experts; e += kWarp) {
      if (limited && comes_before(limit, {comparable(room[e / size]), e / size})) continue;
      const Candidate candidate = {comparable(score_at(e)), e};
      if (comes_before(last, candidate) && comes_before(candidate, next)) next = candidate;
    }
    last = first_of_warp(thread, next);
    if (thread.index() % kWarp == 0) experts[slot] = last.index;
  }
  thread.sync_warp();  // the lanes may read each other's experts
}

constexpr int kChoiceThreads = 128;
constexpr int kTokensPerBlock = kChoiceThreads / kWarp;

inline int blocks_for_tokens(std::int64_t tokens) {
  return static_cast<int>(ceil_divide(tokens, kTokensPerBlock));
}
inline std::size_t room_for_groups(const ChoiceRule& rule) {
  return sizeof(float) * kTokensPerBlock * static_cast<std::size_t>(rule.n_group);
}

}  // namespace moesim::model::cuda
