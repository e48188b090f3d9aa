// SPDX-License-Identifier: Apache-2.0
#include "sim/job.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"

namespace moesim::sim {
namespace {

// [node] its ranks, ascending. With topology file the graph says which they are.
std::vector<std::vector<int>> ranks_by_node(const topologies::ClusterConfig& config) {
  std::vector<std::vector<int>> ranks;
  if (config.topology == topologies::Topology::file) {
    const topologies::Cluster cluster = topologies::build_cluster(config);
    ranks.resize(cluster.num_nodes);
    for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
      ranks[cluster.node_of_rank(rank)].push_back(rank);
    }
    return ranks;
  }
  int first = 0;
  for (const topologies::NodeRun& run : topologies::runs_of(config)) {
    for (int n = 0; n < run.num_nodes; ++n) {
      std::vector<int>& its = ranks.emplace_back(run.node->accelerators_per_node);
      std::iota(its.begin(), its.end(), first);
      first += run.node->accelerators_per_node;
    }
  }
  return ranks;
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

std::vector<int> ranks_of(const JobConfig& job, const std::vector<std::vector<int>>& by_node,
                          int num_ranks, const std::string& where) {
  if (job.nodes.empty() == job.ranks.empty()) {
    throw base::Error(where, "a job runs on `nodes` or on `ranks`, one of the two",
                      "as \"nodes\": [0, 1]");
  }
  require_within(job.nodes, static_cast<int>(by_node.size()), where + "/nodes", "node");
  require_within(job.ranks, num_ranks, where + "/ranks", "rank");
  std::vector<int> ranks = job.ranks;
  for (const int node : job.nodes) {
    ranks.insert(ranks.end(), by_node[node].begin(), by_node[node].end());
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void require_new_name(const std::vector<Job>& jobs, const std::string& name,
                      const std::string& where) {
  const bool is_new =
      std::none_of(jobs.begin(), jobs.end(), [&](const Job& other) { return other.name == name; });
  if (is_new) return;
  throw base::Error(where + "/name", "another job is called \"" + name + "\" too",
                    "reports tell jobs by their names: give each its own");
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
  const std::vector<std::vector<int>> by_node = ranks_by_node(scenario.cluster);
  const int num_ranks = topologies::count_ranks(scenario.cluster);
  std::map<int, std::string> owner;  // of each rank that is taken
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobConfig& config = scenario.jobs[i];
    const std::string where = "/jobs/" + std::to_string(i);
    Job job{config.name,
            config.start,
            scenario_of(scenario, config),
            ranks_of(config, by_node, num_ranks, where),
            {}};
    require_new_name(jobs, config.name, where);
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

std::vector<Group> expert_groups(const topologies::Cluster& cluster, const Job& job) {
  const int size = job.sizes.expert_parallel;
  std::vector<Group> groups;
  for (auto first = job.ranks.begin(); first != job.ranks.end(); first += size) {
    groups.push_back(group_of(cluster, {first, first + size}));
  }
  return groups;
}

}  // namespace moesim::sim
