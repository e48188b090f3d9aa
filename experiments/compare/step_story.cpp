// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/step_story.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "sim/report/hot_spots.h"
#include "sim/report/step_analysis.h"
#include "sim/report/waiting.h"

namespace moesim::experiments {
namespace {

constexpr std::size_t kWaitsTold = 3;

double length_of(const sim::OpTimes& times) { return (times.end - times.start).value; }

// How long each computation takes on a mean rank.
class MeanRank {
 public:
  explicit MeanRank(const sim::Run& run) {
    for (std::size_t i = 0; i < run.graph.ops.size(); ++i) {
      if (run.graph.ops[i].rank < 0) continue;
      Sum& sum = sums_[key_of(run.graph.ops[i])];
      sum.time += length_of(run.timeline.ops[i]);
      ++sum.count;
    }
  }

  // How much longer than that it takes here.
  double surplus(const sim::Op& op, const sim::OpTimes& times) const {
    const Sum& sum = sums_.at(key_of(op));
    return length_of(times) - sum.time / sum.count;
  }

 private:
  struct Sum {
    double time = 0;
    int count = 0;
  };
  using Key = std::tuple<sim::Phase, int, int, bool>;

  static Key key_of(const sim::Op& op) {
    return {op.label.phase, op.label.layer, op.label.micro_batch, op.label.backward};
  }

  std::map<Key, Sum> sums_;
};

// Groups the critical path by phase.
class PathGroups {
 public:
  explicit PathGroups(const MeanRank& mean) : mean_(mean) {}

  void add(const sim::Op& op, const sim::OpTimes& times) {
    const double length = length_of(times);
    PathGroup& group = group_of(op);
    group.time_s += length;
    ++group.operations;
    if (op.rank >= 0) {
      time_of_rank_[{group.phase, op.rank}] += length;
      group.over_mean_rank_s += mean_.surplus(op, times);
    }
    if (length <= group.longest_s && !group.longest.empty()) return;
    group.longest_s = length;
    group.longest = to_text(op.label);
  }

  std::vector<PathGroup> take() {
    for (const auto& [where, time] : time_of_rank_) {
      for (PathGroup& group : groups_) {
        const bool is_its = group.phase == where.first && !group.is_network && group.time_s > 0;
        if (!is_its || time / group.time_s <= group.rank_share) continue;
        group.rank = where.second;
        group.rank_share = time / group.time_s;
      }
    }
    std::stable_sort(groups_.begin(), groups_.end(),
                     [](const PathGroup& a, const PathGroup& b) { return a.time_s > b.time_s; });
    return std::move(groups_);
  }

 private:
  PathGroup& group_of(const sim::Op& op) {
    const std::string phase(sim::name_of(op.label.phase));
    const bool is_network = op.rank < 0;
    for (PathGroup& group : groups_) {
      if (group.phase == phase && group.is_network == is_network) return group;
    }
    PathGroup& group = groups_.emplace_back();
    group.phase = phase;
    group.is_network = is_network;
    return group;
  }

  const MeanRank& mean_;
  std::vector<PathGroup> groups_;
  std::map<std::pair<std::string, int>, double> time_of_rank_;  // by phase and rank
};

void tell_path(const sim::Run& run, Explanation& explanation) {
  const MeanRank mean(run);
  PathGroups groups(mean);
  const std::vector<int> path = sim::critical_ops(run.graph, run.timeline);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const sim::Op& op = run.graph.ops[path[i]];
    const sim::OpTimes& times = run.timeline.ops[path[i]];
    groups.add(op, times);
    if (i == 0 || op.rank < 0) continue;
    const sim::Op& before = run.graph.ops[path[i - 1]];
    if (before.rank >= 0) continue;
    const bool is_alike = mean.surplus(op, times) < kAlike * length_of(times);
    explanation.waits.push_back({to_text(op.label),
                                 is_alike ? std::nullopt : std::optional<int>(op.rank),
                                 to_text(before.label), length_of(run.timeline.ops[path[i - 1]])});
  }
  explanation.path = groups.take();
  std::stable_sort(explanation.waits.begin(), explanation.waits.end(),
                   [](const PathWait& a, const PathWait& b) { return a.time_s > b.time_s; });
  if (explanation.waits.size() > kWaitsTold) explanation.waits.resize(kWaitsTold);
}

RankTimes times_of(const sim::RankDay& day) {
  return {day.rank,
          day.computing.value,
          day.slowed_by_faults.value,
          day.communicating.value,
          day.waiting_for_compute.value,
          day.waiting_for_faults.value,
          day.waiting_for_network.value};
}

void tell_ranks(const sim::Run& run, Explanation& explanation) {
  const sim::Waiting waiting = sim::waiting_of(run.graph, run.timeline);
  const auto count = static_cast<double>(waiting.days.size());
  RankTimes& mean = explanation.mean_rank;
  for (std::size_t i = 0; i < waiting.days.size(); ++i) {
    const RankTimes& times = explanation.ranks.emplace_back(times_of(waiting.days[i]));
    for (double RankTimes::*of :
         {&RankTimes::computing_s, &RankTimes::slowed_by_faults_s, &RankTimes::communicating_s,
          &RankTimes::waiting_for_compute_s, &RankTimes::waiting_for_faults_s,
          &RankTimes::waiting_for_network_s}) {
      mean.*of += times.*of / count;
    }
    const double waited_for = waiting.waited_for[i].value;
    if (waited_for > 0) explanation.waited_for.push_back({waiting.days[i].rank, waited_for});
  }
  std::stable_sort(explanation.waited_for.begin(), explanation.waited_for.end(),
                   [](const WaitedFor& a, const WaitedFor& b) { return a.time_s > b.time_s; });
}

void tell_hot_spots(const sim::Run& run, const sim::StepPlans& plans, Explanation& explanation) {
  const sim::HotSpots spots = sim::hot_spots(plans, run.demand.placement, run.graph.ranks);
  for (const sim::HotRank& hot : spots.ranks) {
    explanation.hot_ranks.push_back({hot.rank, hot.layers, hot.over_mean});
  }
  for (const sim::HotExpert& hot : spots.experts) {
    explanation.hot_experts.push_back(
        {hot.layer, hot.expert, run.graph.ranks[hot.position], hot.over_mean});
  }
}

}  // namespace

void tell_step(const sim::Run& run, const sim::StepPlans& plans, Explanation& explanation) {
  explanation.step_time_s = run.result.step_time_s;
  explanation.num_moe_layers = run.demand.num_moe_layers;
  explanation.cost_source = run.result.cost_source;
  explanation.deciding_tier = run.result.deciding_tier;
  explanation.link_tiers = run.result.link_tiers;
  explanation.hottest_links = run.result.hottest_links;
  explanation.warnings = run.result.warnings;
  tell_path(run, explanation);
  tell_ranks(run, explanation);
  tell_hot_spots(run, plans, explanation);
}

}  // namespace moesim::experiments
