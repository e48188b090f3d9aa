// SPDX-License-Identifier: Apache-2.0
#include "sim/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <string_view>
#include <vector>

#include "base/text_page.h"
#include "sim/cost/table_cost.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {
namespace {

using Page = base::TextPage;

constexpr int kBarColumns = 30;
constexpr std::size_t kNamedPoints = 10;

// "1.23 GB" of a plain number of bytes, powers of 1000.
std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 2, kUnits[unit]);
}

void add_head(const Result& r, Page& page) {
  page.line("{}{}", r.scenario.name, r.scenario.swept.empty() ? "" : "  (one point of a sweep)");
  for (const auto& [key, value] : r.scenario.swept) {
    page.line("  {:<36} {}", key, base::to_text(value, base::JsonStyle::compact));
  }
  page.line("  {:<36} {}", "routing", r.routing_source);
  page.line("  {:<36} {} accelerator{}, expert-parallel groups of {}, {} network", "cluster",
            r.scenario.num_ranks, r.scenario.num_ranks == 1 ? "" : "s",
            r.scenario.expert_model_parallel_size, r.scenario.fidelity);
  if (!r.cost_source.empty()) page.line("  {:<36} {}", "compute times", r.cost_source);
  for (const std::string& warning : r.warnings) page.line("  warning: {}", warning);
  page.line("");
}

std::string over_floor_text(double over_floor) {
  if (over_floor < 0.9995) {
    return fmt::format("{:.3f}x: ways around a failure collide less", over_floor);
  }
  if (over_floor < 1.0005) return "reached: no transfer is held up by another";
  return fmt::format("this step is {:.3f}x it", over_floor);
}

void add_speed(const Result& r, Page& page) {
  page.line("  {:<36} {:.3f}", "elapsed time per iteration (ms)", r.step_time_s * 1e3);
  page.line("  {:<36} {:.3f}  ({})", "analytic floor (ms)", r.analytic_floor_s * 1e3,
            over_floor_text(r.step_time_s / r.analytic_floor_s));
  page.line("  {:<36} {:.1f}", "throughput per GPU (TFLOP/s/GPU)", r.tflops_per_gpu);
  page.line("  {:<36} {:.1f} %  (peak {:.0f} TFLOP/s)", "MFU", r.mfu * 100, r.peak_tflops_used);
  page.line("  {:<36} {:.0f}", "tokens/s/GPU", r.tokens_per_s_per_gpu);
  page.line("");
}

void add_phases(const Result& r, Page& page) {
  page.line("  {:<16} {:>22} {:>18}", "phase", "critical path", "mean rank");
  const auto row = [&](const std::string& name) {
    const double critical = r.phase_time_s.at(name);
    const double mean = r.mean_rank_time_s.at(name);
    if (critical == 0 && mean == 0) return;
    const double share = critical / r.step_time_s;
    page.line("  {:<16} {:>10.3f} ms {:>6.1f} % {:>8.3f} ms {:>4.1f} %  {}", name, critical * 1e3,
              share * 100, mean * 1e3, mean / r.step_time_s * 100,
              std::string(static_cast<std::size_t>(share * kBarColumns + 0.5), '#'));
  };
  for (int phase = 0; phase < kNumPhases; ++phase) {
    row(std::string(name_of(static_cast<Phase>(phase))));
  }
  row("idle");
  page.line("");
}

void add_load(const Result& r, Page& page) {
  page.line("  {:<36} {:.3f} per expert, {:.3f} per rank", "load max/mean (kept pairs)",
            r.expert_load.mean.max_over_mean, r.rank_load.mean.max_over_mean);
  page.line("  {:<36} {:.3f} per expert", "demand max/mean (before drops)",
            r.expert_demand.mean.max_over_mean);
  page.line("  {:<36} {:.2f} %", "drop rate", r.drop_rate * 100);
  page.line("  {:<36} {:.1f} %", "tile padding of the experts' GEMMs", r.padding_share * 100);
  if (r.validation_loss) {
    page.line("  {:<36} {:.4f} nats per byte (the proxy's)", "validation loss", *r.validation_loss);
  }
  page.line("");
}

void add_network(const Result& r, Page& page) {
  const AllToAllFigures& a = r.all_to_all;
  page.line("  {:<36} {:.2f} GB/s", "all-to-all busbw", a.busbw_gbps);
  page.line("  {:<36} {} a rank, its own included", "all-to-all payload",
            bytes_text(a.mean_send_bytes));
  page.line("  {:<36} {} sent, {} received by one rank", "most to and from others",
            bytes_text(a.max_send_bytes), bytes_text(a.max_receive_bytes));
  page.line("  {:<36} {} of the step", "between nodes", bytes_text(a.inter_node_bytes));
  page.line("  {:<36} {:.3f} ms, {:.1f} % overlapped", "communication not covered by compute",
            r.exposed_communication_s * 1e3, r.overlap_fraction * 100);
  const double held = bound_time_of(r.link_tiers);
  for (const TierFigures& tier : r.link_tiers) {
    if (tier.bound_time_s == 0) continue;
    page.line("  {:<36} {:.1f} % of the collectives' time", "held by " + tier.tier + " links",
              tier.bound_time_s / held * 100);
  }
  if (r.repetition.worked_out > 0) {
    page.line("  {:<36} {} of {} worked out, the rest are equal to one of them", "collectives",
              r.repetition.worked_out, r.repetition.collectives);
  }
  if (!r.hottest_links.empty()) page.line("  most loaded links");
  for (const LinkFigures& link : r.hottest_links) {
    page.line("    {:<34} {:>10} {:>6.1f} % busy{}", link.name, bytes_text(link.bytes),
              link.busy_fraction * 100, link.rank ? fmt::format("  rank {}", *link.rank) : "");
  }
  page.line("");
}

void add_memory(const Result& r, Page& page) {
  const MemoryFigures& m = r.memory_bytes_per_rank;
  page.line("  {:<36} {} = weights {} + gradients {}", "memory of the fullest rank",
            bytes_text(m.peak), bytes_text(m.weights), bytes_text(m.gradients));
  page.line("  {:<36} + optimizer {} + activations {}", "", bytes_text(m.optimizer),
            bytes_text(m.activations));
}

void add_jobs(const Result& r, Page& page) {
  if (r.jobs.empty()) return;
  page.line("");
  page.line("  jobs; all figures above are the first one's");
  for (const JobFigures& job : r.jobs) {
    page.line("    {:<20} {:>5} ranks from {:>9.3f} ms  step {:>10.3f} ms  ({:.3f}x its floor)",
              job.name, job.num_ranks, job.start_s * 1e3, job.step_time_s * 1e3,
              job.step_time_s / job.analytic_floor_s);
  }
}

// A digit after a letter, as in "H100", and not in "3.5 GB" or "12x".
bool is_name(std::string_view word) {
  return std::adjacent_find(word.begin(), word.end(), [](unsigned char a, unsigned char b) {
           return std::isalpha(a) != 0 && std::isdigit(b) != 0;
         }) != word.end();
}

// What warnings that differ in nothing but their numbers have in common.
std::string without_numbers(std::string_view text) {
  const auto is_in_word = [](unsigned char c) { return std::isalnum(c) != 0; };
  std::string rest;
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_in_word);
    const auto length = std::max<std::size_t>(static_cast<std::size_t>(end - text.begin()), 1);
    const std::string_view word = text.substr(0, length);
    std::copy_if(word.begin(), word.end(), std::back_inserter(rest), [&](unsigned char c) {
      return is_name(word) || (std::isdigit(c) == 0 && c != '.');
    });
    text.remove_prefix(length);
  }
  return rest;
}

// What points have to say, each kind once.
struct SharedWord {
  std::string first;        // as the first point says it
  std::vector<int> points;  // indices
  bool is_alike = true;     // word for word
};

class SharedWords {
 public:
  // Words of one kind are one.
  void add(const std::string& kind, const std::string& word, int point) {
    const auto [found, is_new] = known_.emplace(kind, words_.size());
    if (is_new) words_.push_back({word, {}});
    SharedWord& shared = words_[found->second];
    shared.points.push_back(point);
    shared.is_alike = shared.is_alike && word == shared.first;
  }
  const std::vector<SharedWord>& words() const { return words_; }

 private:
  std::vector<SharedWord> words_;
  std::map<std::string, std::size_t> known_;
};

// "point 3", "points 1, 2 and 8 more".
std::string points_text(const std::vector<int>& points) {
  const std::size_t shown = std::min(points.size(), kNamedPoints);
  std::string text = points.size() == 1 ? "point " : "points ";
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + std::to_string(points[i]);
  if (shown < points.size()) text += fmt::format(" and {} more", points.size() - shown);
  return text;
}

void add_warnings(std::span<const Result> results, Page& page) {
  SharedWords warnings;
  for (const Result& r : results) {
    for (const std::string& text : r.warnings) {
      warnings.add(without_numbers(text), text, r.scenario.index);
    }
  }
  for (const SharedWord& warning : warnings.words()) {
    page.line("warning of {}: {}{}", points_text(warning.points), warning.first,
              warning.is_alike ? "" : "; the others alike");
  }
}

// Nothing where all are the roofline's.
void add_cost_sources(std::span<const Result> results, Page& page) {
  SharedWords sources;
  for (const Result& r : results) {
    if (r.status == "ok") sources.add(r.cost_source, r.cost_source, r.scenario.index);
  }
  const std::vector<SharedWord>& words = sources.words();
  if (words.size() == 1 && is_roofline(words[0].first)) return;
  for (const SharedWord& source : words) {
    page.line("compute times{}: {}",
              words.size() == 1 ? std::string() : " of " + points_text(source.points),
              source.first);
  }
}

}  // namespace

std::string comparison_text(std::span<const Result> results) {
  Page page;
  page.line("{:>4} {:>12} {:>8} {:>7} {:>7} {:>11} {:>11}  {}", "#", "step (ms)", "x floor",
            "MFU %", "drop %", "val. loss", "held by", "point");
  for (const Result& r : results) {
    const int index = r.scenario.index;
    std::string point;
    for (const auto& [key, value] : r.scenario.swept) {
      point +=
          (point.empty() ? "" : ", ") + key + "=" + base::to_text(value, base::JsonStyle::compact);
    }
    if (r.status == "ok") {
      page.line("{:>4} {:>12.3f} {:>8.3f} {:>7.2f} {:>7.2f} {:>11} {:>11}  {}", index,
                r.step_time_s * 1e3, r.step_time_s / r.analytic_floor_s, r.mfu * 100,
                r.drop_rate * 100,
                r.validation_loss ? fmt::format("{:.4f}", *r.validation_loss) : "-",
                r.deciding_tier.empty() ? "-" : r.deciding_tier, point);
    } else {
      page.line("{:>4} {}: {}  ({})", index, r.status, r.reason, point);
    }
  }
  add_cost_sources(results, page);
  add_warnings(results, page);
  return page.text();
}

std::string summary_text(const Result& result) {
  Page page;
  add_head(result, page);
  add_speed(result, page);
  add_phases(result, page);
  add_load(result, page);
  add_network(result, page);
  add_memory(result, page);
  add_jobs(result, page);
  return page.text();
}

}  // namespace moesim::sim
