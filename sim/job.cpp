// SPDX-License-Identifier: Apache-2.0
#include "sim/job.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"

namespace moesim::sim {
namespace {

// [nodes + 1] the first rank of each node.
std::vector<int> first_ranks(const topologies::ClusterConfig& cluster) {
  std::vector<int> first = {0};
  for (const topologies::NodeRun& run : topologies::runs_of(cluster)) {
    for (int n = 0; n < run.num_nodes; ++n) {
      first.push_back(first.back() + run.node->accelerators_per_node);
    }
  }
  return first;
}

void require_within(const std::vector<int>& numbers, int count, const std::string& where,
                    const char* what) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] < count) continue;
    throw base::Error(where + "/" + std::to_string(i),
                      "the cluster has no " + std::string(what) + " " + std::to_string(numbers[i]),
                      "use 0 to " + std::to_string(count - 1));
  }
}

std::vector<int> ranks_of(const JobConfig& job, const std::vector<int>& first,
                          const std::string& where) {
  if (job.nodes.empty() == job.ranks.empty()) {
    throw base::Error(where, "a job runs on `nodes` or on `ranks`, one of the two",
                      "as \"nodes\": [0, 1]");
  }
  require_within(job.nodes, static_cast<int>(first.size()) - 1, where + "/nodes", "node");
  require_within(job.ranks, first.back(), where + "/ranks", "rank");
  std::vector<int> ranks = job.ranks;
  for (const int node : job.nodes) {
    for (int rank = first[node]; rank < first[node + 1]; ++rank) ranks.push_back(rank);
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

Scenario scenario_of(const Scenario& whole, const JobConfig& job) {
  Scenario scenario = whole;
  scenario.jobs.clear();
  scenario.model = job.model;
  scenario.training = job.training;
  scenario.parallel = job.parallel;
  scenario.router = job.router;
  scenario.routing = job.routing;
  scenario.comm = job.comm;
  return scenario;
}

// Its errors are those of the job's sections.
Sizes sizes_of(const Scenario& scenario, int num_ranks, const std::string& where) {
  try {
    return validate_workload(scenario, num_ranks);
  } catch (const base::Error& error) {
    throw base::Error(where + error.where(), error.message(), error.hint());
  }
}

}  // namespace

std::vector<Job> jobs_of(const Scenario& scenario) {
  if (scenario.jobs.empty()) {
    const int num_ranks = topologies::count_ranks(scenario.cluster);
    std::vector<int> ranks(num_ranks);
    std::iota(ranks.begin(), ranks.end(), 0);
    return {{scenario.name, base::Seconds(0), scenario, std::move(ranks),
             validate_workload(scenario, num_ranks)}};
  }
  const std::vector<int> first = first_ranks(scenario.cluster);
  std::map<int, std::string> owner;  // of each rank that is taken
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobConfig& config = scenario.jobs[i];
    const std::string where = "/jobs/" + std::to_string(i);
    Job job{config.name,
            config.start,
            scenario_of(scenario, config),
            ranks_of(config, first, where),
            {}};
    for (const int rank : job.ranks) {
      const auto [taken, is_free] = owner.emplace(rank, config.name);
      if (is_free) continue;
      throw base::Error(where,
                        "rank " + std::to_string(rank) + " is already \"" + taken->second + "\"'s",
                        "give each job nodes or ranks of its own");
    }
    job.sizes = sizes_of(job.scenario, static_cast<int>(job.ranks.size()), where);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace moesim::sim
