// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/fault.h"

#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::sim {
namespace {

struct KindEntry {
  FaultKind id;
  const char* name;
};

constexpr std::array<KindEntry, 7> kKinds = {{
    {FaultKind::link_down, "link_down"},
    {FaultKind::nic_down, "nic_down"},
    {FaultKind::switch_down, "switch_down"},
    {FaultKind::node_down, "node_down"},
    {FaultKind::degraded_bandwidth, "degraded_bandwidth"},
    {FaultKind::added_latency, "added_latency"},
    {FaultKind::straggler, "straggler"},
}};

// What is as good as nothing is a link that is down, or an accelerator that never ends its work.
constexpr double kLeastFactor = 1e-3;
// Seconds. Whatever takes longer has been given up by every library.
constexpr double kMostLatency = 3600;

bool has_factor(FaultKind kind) {
  return kind == FaultKind::degraded_bandwidth || kind == FaultKind::straggler;
}

void add_effect(base::FieldTable& table, FaultEffect& effect) {
  table
      .field("kind", effect.kind,
             "link_down (both directions of a cable), nic_down, switch_down, node_down, "
             "degraded_bandwidth, added_latency (one direction) or straggler (an accelerator).")
      .required();
  table
      .field("target", effect.target,
             "Its name, in which each * stands for any characters: a link (\"leaf0->spine1\"), a "
             "NIC (\"node0/nic3\"), a switch (\"spine0\"), a node (\"node3\") or an accelerator "
             "(\"node0/gpu3\").")
      .required();
  table.field("factor", effect.factor, "What is left of the bandwidth, or of the computing speed.")
      .at_least(kLeastFactor)
      .at_most(1)
      .used_when(has_factor(effect.kind), "kind is degraded_bandwidth or straggler");
  table.field("latency", effect.latency, "What is added to the link's latency.")
      .at_least(0)
      .at_most(kMostLatency)
      .used_when(effect.kind == FaultKind::added_latency, "kind is added_latency");
}

void require(bool holds, const std::string& where, const std::string& what,
             const std::string& hint) {
  if (!holds) throw base::Error(where, what, hint);
}

void check_effect(const FaultEffect& effect, const std::string& where) {
  require(!has_factor(effect.kind) || effect.factor < 1, where + "/factor",
          "nothing is slower: the factor is 1", "give what is left, as 0.5");
  require(effect.kind != FaultKind::added_latency || effect.latency.value > 0, where + "/latency",
          "nothing is added", "give a latency, as \"5 us\"");
}

}  // namespace

base::EnumNames<FaultKind> names_of(FaultKind) { return base::names_in(kKinds); }

void describe(base::FieldTable& table, Fault& fault) {
  table.title("fault", "Something that breaks or slows down, and comes back or does not.");
  add_effect(table, fault.effect);
  table.field("at", fault.at, "When, from the begin of the run.").at_least(0);
  table.field("until", fault.until, "When it is as before; null: never.").at_least(0);
}

void describe(base::FieldTable& table, RandomFaults& faults) {
  table.title("random_faults", "Faults that are drawn, for each target that matches.");
  add_effect(table, faults.effect);
  table
      .field("mean_time_between", faults.mean_time_between,
             "Mean of the exponentially distributed time from one fault's end to the next, of one "
             "target.")
      .required()
      .above(0);
  table.field("duration", faults.duration, "How long each lasts.").required().above(0);
  table.field("horizon", faults.horizon, "None begins later than this.").required().above(0);
  table.field("seed", faults.seed, "Seed of the draws.");
}

void describe(base::FieldTable& table, FaultsConfig& faults) {
  table.title("faults", "What goes wrong while the step runs.");
  table.field("events", faults.events, "Faults at given times.");
  table.field("random", faults.random, "Faults at drawn times.");
}

void validate(const FaultsConfig& faults) {
  for (std::size_t i = 0; i < faults.events.size(); ++i) {
    const Fault& fault = faults.events[i];
    const std::string where = "/faults/events/" + std::to_string(i);
    check_effect(fault.effect, where);
    require(!fault.until || *fault.until > fault.at, where + "/until", "it ends before it begins",
            "give a time after `at`, or leave it out");
  }
  for (std::size_t i = 0; i < faults.random.size(); ++i) {
    check_effect(faults.random[i].effect, "/faults/random/" + std::to_string(i));
  }
}

}  // namespace moesim::sim
