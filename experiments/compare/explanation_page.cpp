// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/named_table.h"
#include "experiments/compare/explanation.h"
#include "experiments/compare/page.h"

namespace moesim::experiments {
namespace {

constexpr std::size_t kMostLinks = 3;
constexpr std::size_t kMostRanks = 3;
constexpr std::size_t kMostEffects = 6;
constexpr std::size_t kColumns = 98;
constexpr double kWorthALine = 0.001;  // of the step

double share(double time, const Explanation& e) {
  return e.step_time_s == 0 ? 0 : time / e.step_time_s * 100;
}

void add_causes(const Explanation& e, Page& page) {
  page.line("");
  page.line("{:<26} {:>12} {:>9} {:>26}", "what the step is made of", "part", "of it",
            "step without it alone");
  for (const CauseShare& cause : e.causes) {
    const bool is_nothing = std::abs(share(cause.part_s, e)) < 1e-7;
    page.line("  {:<24} {:>12} {:>7.1f} % {:>26}", cause.cause,
              time_text(is_nothing ? 0 : cause.part_s), is_nothing ? 0 : share(cause.part_s, e),
              time_text(cause.without_s));
  }
}

std::string place_of(const PathGroup& group) {
  const bool is_one = group.operations == 1;
  if (group.is_network) return is_one ? "exchange" : "exchanges";
  if (group.over_mean_rank_s < kAlike * group.time_s) {
    return is_one ? "operation, alike on all ranks" : "operations, alike on all ranks";
  }
  const std::string more = (is_one ? "operation, " : "operations, together ") +
                           time_text(group.over_mean_rank_s) + " more than a mean rank's, ";
  if (group.rank_share < 0.5) return more + "now on one rank, now on another";
  return more + fmt::format("{:.0f} % on rank {}", group.rank_share * 100, *group.rank);
}

void add_path(const Explanation& e, Page& page) {
  page.line("");
  page.line("critical path");
  for (const PathGroup& group : e.path) {
    if (group.time_s < kWorthALine * e.step_time_s) continue;
    const bool is_sum = group.phase == "combine" && !group.is_network;
    page.line("  {:<14} {:>12} {:>6.1f} %  {} {}; longest: {}, {}",
              is_sum ? "weighted sum" : group.phase, time_text(group.time_s),
              share(group.time_s, e), group.operations, place_of(group), group.longest,
              time_text(group.longest_s));
  }
  for (const PathWait& wait : e.waits) {
    page.line("  {} {} waits {} for {}", wait.operation,
              wait.rank ? fmt::format("on rank {}", *wait.rank) : "of all ranks",
              time_text(wait.time_s), wait.waits_for);
  }
}

// Whether faults took any rank's time.
bool has_faults(const Explanation& e) {
  return e.mean_rank.slowed_by_faults_s + e.mean_rank.waiting_for_faults_s > 0;
}

void add_rank(const std::string& name, const RankTimes& rank, const Explanation& e, Page& page) {
  const double faults = rank.slowed_by_faults_s + rank.waiting_for_faults_s;
  page.line("  {:<16} {:>8.1f} % {:>9.1f} % {:>16.1f} % {:>16.1f} %{}", name,
            share(rank.computing_s, e), share(rank.communicating_s, e),
            share(rank.waiting_for_compute_s, e), share(rank.waiting_for_network_s, e),
            has_faults(e) ? fmt::format(" {:>9.1f} %", share(faults, e)) : "");
}

// Ranks that others wait for, at most a few; "" where nobody is worth a line.
std::string waited_for_text(const Explanation& e) {
  std::string names;
  for (std::size_t i = 0; i < std::min(kMostRanks, e.waited_for.size()); ++i) {
    const WaitedFor& waited = e.waited_for[i];
    if (waited.time_s < kWorthALine * e.step_time_s) break;
    names += fmt::format("{}rank {} {}", names.empty() ? "" : ", ", waited.rank,
                         time_text(waited.time_s));
  }
  return names;
}

void add_ranks(const Explanation& e, Page& page) {
  page.line("");
  page.line("{:<18} {:>10} {:>11} {:>18} {:>18}{}", "ranks' time", "computes", "exchanges",
            "waits for compute", "waits for network", has_faults(e) ? "      faults" : "");
  add_rank("mean rank", e.mean_rank, e, page);
  const auto idler = [](const RankTimes& a, const RankTimes& b) { return a.idle_s() < b.idle_s(); };
  const auto least = std::min_element(e.ranks.begin(), e.ranks.end(), idler);
  const auto most = std::max_element(e.ranks.begin(), e.ranks.end(), idler);
  if (least == e.ranks.end()) return;
  if (most->idle_s() - least->idle_s() < kWorthALine * e.step_time_s) {
    page.line("  all ranks wait about as long");
    return;
  }
  add_rank(fmt::format("rank {}: least", *least->rank), *least, e, page);
  add_rank(fmt::format("rank {}: most", *most->rank), *most, e, page);
  const std::string names = waited_for_text(e);
  if (!names.empty()) page.line("  a mean rank waits while others compute: {}", names);
}

void add_links(const Explanation& e, Page& page) {
  page.line("");
  page.line("links: {}",
            e.deciding_tier.empty() ? "nothing moves" : e.deciding_tier + " links decide");
  const double held = sim::bound_time_of(e.link_tiers);
  for (const sim::TierFigures& tier : e.link_tiers) {
    if (tier.bound_time_s == 0) continue;
    page.line("  {:<14} hold {:.1f} % of the collectives' time, the busiest is {:.1f} % busy",
              tier.tier, tier.bound_time_s / held * 100, tier.busy_fraction * 100);
  }
  for (std::size_t i = 0; i < std::min(kMostLinks, e.hottest_links.size()); ++i) {
    const sim::LinkFigures& link = e.hottest_links[i];
    page.line("  {:<34} {:>6.1f} % busy{}", link.name, link.busy_fraction * 100,
              link.rank ? fmt::format(", rank {}", *link.rank) : "");
  }
}

// Keys after each other, as many a line as fit.
void add_keys(const std::vector<std::string>& keys, Page& page) {
  std::string line;
  for (const std::string& key : keys) {
    if (!line.empty() && line.size() + key.size() + 4 > kColumns) {
      page.line("  {},", line);
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + key;
  }
  if (!line.empty()) page.line("  {}", line);
}

void add_sensitivity(const Explanation& e, Page& page) {
  if (!e.sensitivity) return;
  page.line("");
  page.line("inputs, each varied by a tenth with the same batch: step time changes by");
  std::size_t shown = 0;
  for (const InputEffect& effect : e.sensitivity->effects) {
    if (std::abs(effect.relative) < kNoEffect || shown++ == kMostEffects) break;
    page.line("  {:+7.2f} %  {}  {} -> {}", effect.relative * 100, effect.key, effect.from,
              effect.to);
  }
  if (!e.sensitivity->without_effect.empty()) {
    page.line("the answer does not hang on (less than 0.1 %):");
    add_keys(e.sensitivity->without_effect, page);
  }
  for (const std::string& reason : e.sensitivity->not_varied) page.line("  not varied: {}", reason);
}

}  // namespace

std::string explanation_page(const Explanation& e) {
  Page page;
  page.line("{}: a step of {}", e.title, time_text(e.step_time_s));
  for (const std::string& sentence : e.verdict) page.line("  {}", sentence);
  if (!sim::is_roofline(e.cost_source)) page.line("  Compute times: {}.", e.cost_source);
  for (const std::string& warning : e.warnings) page.line("  warning: {}", warning);
  add_causes(e, page);
  add_path(e, page);
  add_ranks(e, page);
  add_links(e, page);
  add_sensitivity(e, page);
  return page.text();
}

}  // namespace moesim::experiments
