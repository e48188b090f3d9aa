// SPDX-License-Identifier: Apache-2.0
// Why a point takes the time it takes: what its critical path is made of, what its ranks wait for,
// which links, ranks and experts decide, and which inputs it does not hang on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/compare/input_sensitivity.h"
#include "experiments/compare/subject.h"
#include "sim/report/result.h"
#include "sim/run_options.h"

namespace moesim::experiments {

// What a cause has of the step, and the step without it.
struct CauseShare {
  std::string cause;
  double part_s = 0;     // Shapley value; all sum to the step time
  double without_s = 0;  // step time without this cause alone
};

// Operations of one phase on the critical path, computations and collectives apart.
struct PathGroup {
  std::string phase;
  bool is_network = false;
  double time_s = 0;
  int operations = 0;
  std::optional<int> rank;      // computations: the rank that has most of that time
  double rank_share = 0;        // its share of it
  double over_mean_rank_s = 0;  // how much longer they take than on a mean rank; 0 for collectives
  std::string longest;          // "expert L3 mb0 fwd"
  double longest_s = 0;
};

// A computation of the critical path that had to wait for a collective.
struct PathWait {
  std::string operation;
  std::optional<int> rank;  // null: the operation takes as long on all ranks
  std::string waits_for;
  double time_s = 0;
};

struct RankTimes {
  std::optional<int> rank;  // null: the mean over ranks
  double computing_s = 0;
  double slowed_by_faults_s = 0;
  double communicating_s = 0;
  double waiting_for_compute_s = 0;
  double waiting_for_faults_s = 0;
  double waiting_for_network_s = 0;

  double idle_s() const {
    return waiting_for_compute_s + waiting_for_faults_s + waiting_for_network_s;
  }
};

// How long a mean rank waits while this one computes.
struct WaitedFor {
  int rank = 0;
  double time_s = 0;
};

struct HotRankFigures {
  int rank = 0;
  int moe_layers = 0;  // in which it stands out
  double over_mean = 0;
};

struct HotExpertFigures {
  int moe_layer = 0;
  int expert = 0;
  int rank = 0;  // of the first group
  double over_mean = 0;
};

struct Explanation {
  std::string title;
  std::vector<std::string> verdict;  // sentences
  std::vector<std::string> warnings;
  double step_time_s = 0;
  int num_moe_layers = 0;
  std::vector<CauseShare> causes;
  std::vector<PathGroup> path;  // the most time first
  std::vector<PathWait> waits;  // the longest three
  RankTimes mean_rank;
  std::vector<RankTimes> ranks;
  std::vector<WaitedFor> waited_for;      // the most first; ranks that nobody waits for left out
  std::vector<HotRankFigures> hot_ranks;  // the most layers first
  std::vector<HotExpertFigures> hot_experts;  // the hottest first
  std::string cost_source;                    // where the times of computation come from
  std::string deciding_tier;
  std::vector<sim::TierFigures> link_tiers;
  std::vector<sim::LinkFigures> hottest_links;
  std::optional<InputSensitivity> sensitivity;  // null where it was not asked for
};

// Computations that take this share of their time longer than on a mean rank are as long on all.
inline constexpr double kAlike = 0.01;

void describe(base::FieldTable& table, Explanation& explanation);

// Simulates the point and what-if runs of it in child processes; with `vary_inputs` one for each
// number of the input too. Throws base::Error, and std::runtime_error where a child dies.
Explanation explain_point(const Subject& subject, const sim::RunOptions& options, bool vary_inputs);

// As a page of text, ends in a newline.
std::string explanation_page(const Explanation& explanation);

}  // namespace moesim::experiments
