// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "experiments/compare/page.h"
#include "experiments/compare/step_story.h"

namespace moesim::experiments {
namespace {

constexpr std::size_t kRanksNamed = 3;
constexpr double kWorthTelling = 0.01;  // of the step
constexpr double kThroughout = 0.75;    // of the MoE layers

double waited_for(const Explanation& e, int rank) {
  for (const WaitedFor& waited : e.waited_for) {
    if (waited.rank == rank) return waited.time_s;
  }
  return 0;
}

std::string main_cause(const Explanation& e) {
  const auto most = std::max_element(
      e.causes.begin(), e.causes.end(),
      [](const CauseShare& a, const CauseShare& b) { return a.part_s < b.part_s; });
  if (most == e.causes.end()) return "";
  std::string text = fmt::format("The largest part is {}, {:.0f} % of the step", most->cause,
                                 most->part_s / e.step_time_s * 100);
  if (!e.deciding_tier.empty()) text += "; collectives wait most for " + e.deciding_tier + " links";
  return text + ".";
}

bool is_hot_throughout(const Explanation& e, const HotRankFigures& hot) {
  return hot.moe_layers >= kThroughout * e.num_moe_layers;
}

std::string hot_rank_text(const Explanation& e, const HotRankFigures& hot) {
  std::string text = fmt::format("rank {} ({:.2f}x the mean load in {} of {} MoE layers", hot.rank,
                                 hot.over_mean, hot.moe_layers, e.num_moe_layers);
  const double waited = waited_for(e, hot.rank);
  if (waited >= kWorthTelling * e.step_time_s) {
    text += "; a mean rank waits " + time_text(waited) + " for it";
  }
  return text + ")";
}

std::string hot_throughout(const Explanation& e) {
  std::string names;
  std::size_t count = 0;
  for (const HotRankFigures& hot : e.hot_ranks) {
    if (!is_hot_throughout(e, hot) || ++count > kRanksNamed) continue;
    names += (names.empty() ? "" : ", ") + hot_rank_text(e, hot);
  }
  if (count > kRanksNamed) names += fmt::format(" and {} more", count - kRanksNamed);
  return fmt::format("Hot rank{}: {}.", count > 1 ? "s" : "", names);
}

std::string hottest_expert(const Explanation& e) {
  const HotExpertFigures& hot = e.hot_experts.front();
  return fmt::format("expert {} of MoE layer {} on rank {} ({:.2f}x the mean; {} stand{} out)",
                     hot.expert, hot.moe_layer, hot.rank, hot.over_mean, e.hot_experts.size(),
                     e.hot_experts.size() > 1 ? "" : "s");
}

std::string load_verdict(const Explanation& e) {
  if (e.hot_ranks.empty() && e.hot_experts.empty()) return "No rank or expert stands out.";
  if (e.hot_ranks.empty())
    return "No rank stands out; the hottest expert: " + hottest_expert(e) + ".";
  if (is_hot_throughout(e, e.hot_ranks.front())) return hot_throughout(e);
  const HotRankFigures& most = e.hot_ranks.front();
  std::string text = fmt::format(
      "No rank is hot throughout; {} {} in single layers, rank {} in {} of {} ({:.2f}x the mean)",
      e.hot_ranks.size(), e.hot_ranks.size() > 1 ? "are" : "is", most.rank, most.moe_layers,
      e.num_moe_layers, most.over_mean);
  if (!e.hot_experts.empty()) text += "; the hottest expert: " + hottest_expert(e);
  return text + ".";
}

// A rank that holds others up though it is not hot: an accelerator that is slower, or a fault's.
std::string slow_rank(const Explanation& e) {
  if (e.waited_for.empty()) return "";
  const WaitedFor& most = e.waited_for.front();
  const bool is_hot =
      std::any_of(e.hot_ranks.begin(), e.hot_ranks.end(), [&](const HotRankFigures& hot) {
        return hot.rank == most.rank && is_hot_throughout(e, hot);
      });
  if (is_hot || most.time_s < kWorthTelling * e.step_time_s) return "";
  return fmt::format("A mean rank waits {} while rank {} computes.", time_text(most.time_s),
                     most.rank);
}

std::string faults(const Explanation& e) {
  const RankTimes& mean = e.mean_rank;
  if (mean.slowed_by_faults_s + mean.waiting_for_faults_s == 0) return "";
  return fmt::format("Slow accelerators (faults) cost a mean rank {} itself and {} of waiting.",
                     time_text(mean.slowed_by_faults_s), time_text(mean.waiting_for_faults_s));
}

}  // namespace

std::vector<std::string> verdict_of(const Explanation& e) {
  std::vector<std::string> sentences;
  for (const std::string& sentence : {main_cause(e), load_verdict(e), slow_rank(e), faults(e)}) {
    if (!sentence.empty()) sentences.push_back(sentence);
  }
  return sentences;
}

}  // namespace moesim::experiments
