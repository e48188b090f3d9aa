// SPDX-License-Identifier: Apache-2.0
// The faults section of an experiment: what breaks, slows down or comes back, and when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"

namespace moesim::sim {

// link_down: a cable, both directions. nic_down, switch_down, node_down: every link of it.
// degraded_bandwidth, added_latency: one direction of a cable. straggler: an accelerator computes
// slower.
enum class FaultKind {
  link_down,
  nic_down,
  switch_down,
  node_down,
  degraded_bandwidth,
  added_latency,
  straggler,
};
base::EnumNames<FaultKind> names_of(FaultKind);

// What happens to a target.
struct FaultEffect {
  FaultKind kind = FaultKind::link_down;
  std::string target;     // a name of the cluster's, * stands for any characters
  double factor = 1;      // what is left of the bandwidth or the speed, in [0.001, 1)
  base::Seconds latency;  // that is added
};

struct Fault {
  FaultEffect effect;
  base::Seconds at;                    // from the run's begin
  std::optional<base::Seconds> until;  // null: for good
};

// Faults of one kind that come to each target at exponentially distributed intervals.
struct RandomFaults {
  FaultEffect effect;
  base::Seconds mean_time_between;  // of one target
  base::Seconds duration;           // of one fault
  base::Seconds horizon;            // none begins later
  std::uint64_t seed = 0;
};

struct FaultsConfig {
  std::vector<Fault> events;
  std::vector<RandomFaults> random;

  bool empty() const { return events.empty() && random.empty(); }
};

void describe(base::FieldTable& table, Fault& fault);
void describe(base::FieldTable& table, RandomFaults& faults);
void describe(base::FieldTable& table, FaultsConfig& faults);

// What single fields cannot check. Throws base::Error at "/faults/...".
void validate(const FaultsConfig& faults);

}  // namespace moesim::sim
