// SPDX-License-Identifier: Apache-2.0
// Routes and link loads of one dense, skewed all-to-all-v over a rail-optimised fat tree, by the
// number of ranks (8 a node, 32 nodes a leaf), each time with all tables made anew.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "topologies/cluster_config.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

Cluster fat_tree(int num_ranks) {
  ClusterConfig config;
  config.topology = Topology::rail_optimized_fat_tree;
  config.node.accelerators_per_node = 8;
  config.num_nodes = num_ranks / config.node.accelerators_per_node;
  config.node.scale_up_bandwidth = base::BytesPerSecond(400e9);
  config.node.scale_up_latency = base::Seconds(2e-6);
  config.node.nic_bandwidth = base::BytesPerSecond(50e9);
  config.node.nic_latency = base::Seconds(4e-6);
  config.node.pcie_bandwidth = base::BytesPerSecond(64e9);
  config.fabric.switch_latency = base::Seconds(1e-6);
  config.fabric.nodes_per_leaf = 32;
  config.fabric.oversubscription = 1;
  return build_cluster(config);
}

// Popularity of destinations falls as 1 / k over a scattered order; each pair give or take half.
std::vector<Transfer> skewed_all_to_all(int num_ranks) {
  base::Rng rng(1, "routing_bench");
  std::vector<Transfer> transfers;
  transfers.reserve(static_cast<std::size_t>(num_ranks) * (num_ranks - 1));
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source == destination) continue;
      const double popularity = 1e6 / (1 + destination * 389 % num_ranks);
      transfers.push_back(
          {source, destination, base::Bytes(std::ceil(popularity * (0.5 + rng.uniform())))});
    }
  }
  return transfers;
}

// What stays at an accelerator, of all that enters it, is what it was sent less what it sends:
// whole bytes below 2^53 add up exactly, halves and quarters of sprayed ones nearly.
void check_arrivals(const Cluster& cluster, const std::vector<Transfer>& transfers,
                    const std::vector<LinkLoad>& loads) {
  std::vector<double> stays(cluster.vertices.size());
  std::vector<double> passes(cluster.vertices.size());
  for (const LinkLoad& load : loads) {
    stays[cluster.links[load.link].to] += load.bytes.value;
    stays[cluster.links[load.link].from] -= load.bytes.value;
    passes[cluster.links[load.link].to] += load.bytes.value;
  }
  for (const Transfer& transfer : transfers) {
    stays[cluster.accelerators[transfer.destination]] -= transfer.bytes.value;
    stays[cluster.accelerators[transfer.source]] += transfer.bytes.value;
  }
  for (const int vertex : cluster.accelerators) {
    CHECK(std::abs(stays[vertex]) <= 1e-9 * passes[vertex], "bytes were lost on the way");
  }
}

void all_to_all_loads(benchmark::State& state, const RoutingOptions& options) {
  const int num_ranks = static_cast<int>(state.range(0));
  const Cluster cluster = fat_tree(num_ranks);
  const std::vector<Transfer> transfers = skewed_all_to_all(num_ranks);
  {
    Router router(cluster, options);
    check_arrivals(cluster, transfers, link_loads(router, transfers));
  }
  for (auto _ : state) {
    Router router(cluster, options);
    benchmark::DoNotOptimize(link_loads(router, transfers));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(transfers.size()));
}

void ecmp_loads(benchmark::State& state) { all_to_all_loads(state, {}); }
BENCHMARK(ecmp_loads)->Arg(64)->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);

void sprayed_loads(benchmark::State& state) {
  all_to_all_loads(state, {.policy = RoutingPolicy::spray});
}
BENCHMARK(sprayed_loads)->Arg(64)->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);

void rail_forwarded_loads(benchmark::State& state) {
  all_to_all_loads(state, {.rail_forwarding = true});
}
BENCHMARK(rail_forwarded_loads)->Arg(64)->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);

// Every pair's links, one pair after the other, as network models stream them.
void ecmp_walks(benchmark::State& state) {
  const int num_ranks = static_cast<int>(state.range(0));
  const Cluster cluster = fat_tree(num_ranks);
  for (auto _ : state) {
    Router router(cluster);
    std::size_t hops = 0;
    for (int source = 0; source < num_ranks; ++source) {
      for (int destination = 0; destination < num_ranks; ++destination) {
        hops += router.walk(source, destination).size();
      }
    }
    benchmark::DoNotOptimize(hops);
  }
  state.SetItemsProcessed(state.iterations() * num_ranks * num_ranks);
}
BENCHMARK(ecmp_walks)->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moesim::topologies
