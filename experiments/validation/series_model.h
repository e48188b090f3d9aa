// SPDX-License-Identifier: Apache-2.0
// The simulator's answer to a series: its cases' machines, groups and routing, made once, and the
// time of each under any protocol.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "experiments/validation/measured_case.h"
#include "sim/collectives/collective.h"
#include "sim/collectives/participants.h"
#include "sim/collectives/protocol.h"
#include "sim/network/network.h"
#include "topologies/cluster_config.h"

namespace moesim::experiments {

// Called before each case and about ten times a second while its network simulates, with the number
// of cases that are done.
using CasesDone = std::function<void(int done)>;

// The series' protocol section with its preset in place.
sim::Protocol protocol_of(const Series& series);

class SeriesModel {
 public:
  // Draws every case's routing on `num_threads` threads, with the same result for any number.
  // Throws base::Error where a case does not fit its machine.
  SeriesModel(const Series& series, int num_threads);

  const std::vector<MeasuredCase>& cases() const { return cases_; }

  // Simulated over measured time of each case (for a bandwidth the inverse ratio), so that 1 is
  // exact and 1.1 is 10 % too slow. `cases` are indices into cases().
  std::vector<double> time_ratios(const sim::Protocol& protocol, sim::Fidelity fidelity,
                                  const std::vector<std::size_t>& cases,
                                  const CasesDone& progress = {}) const;

 private:
  struct Machine {  // for one number of nodes
    topologies::ClusterConfig config;
    topologies::Cluster cluster;
  };
  struct Prepared {
    const Machine* machine = nullptr;
    sim::Group group;
    std::shared_ptr<const sim::DispatchPlan> plan;  // null where no tokens are routed
  };

  const Machine& machine_of(const Series& series, int num_nodes);
  void prepare(const Series& series, std::size_t index, int num_threads);
  base::Seconds measured_time(std::size_t index) const;

  std::vector<MeasuredCase> cases_;
  std::map<int, Machine> machines_;  // by number of nodes
  std::vector<Prepared> prepared_;   // [cases]
};

}  // namespace moesim::experiments
