// SPDX-License-Identifier: Apache-2.0
// The hot stages of one MoE layer's dispatch, at the sizes of experiments/catalog/01_moe_step.json:
// 64 ranks on 8 nodes, 4,096 tokens a rank, top-8 of 256 experts, Zipf 0.5.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_value.h"
#include "sim/collectives/all_to_all.h"
#include "sim/plan/choice_counter.h"
#include "sim/plan/dispatch_plan.h"
#include "sim/plan/placement.h"
#include "sim/routing/synthetic_routing.h"
#include "sim/routing/weighted_sampler.h"
#include "topologies/cluster_config.h"
#include "topologies/routing.h"

namespace moesim::sim {
namespace {

constexpr int kRanks = 64;
constexpr int kRanksPerNode = 8;
constexpr int kTokens = 4096;
constexpr int kExperts = 256;
constexpr int kTopK = 8;
constexpr int kBlockTokens = 256;
constexpr int kHiddenSize = 4096;
constexpr std::int64_t kPairs = std::int64_t{kTokens} * kTopK;

RoutingDemand one_layer() {
  RoutingDemand demand;
  demand.num_moe_layers = 1;
  demand.num_experts = kExperts;
  demand.top_k = kTopK;
  demand.num_ranks = kRanks;
  demand.num_micro_batches = 1;
  demand.tokens_per_rank = kTokens;
  demand.placement = place_experts(ExpertPlacement::contiguous, kExperts, kRanks);
  return demand;
}

std::unique_ptr<RoutingSource> zipf_routing(const RoutingDemand& demand) {
  const RouterConfig router;
  SyntheticSettings settings;
  settings.distribution = Distribution::zipf;
  return make_synthetic_routing(settings, {router, demand, 1, {}});
}

Group one_group() {
  Group group;
  group.layout.num_nodes = kRanks / kRanksPerNode;
  for (int rank = 0; rank < kRanks; ++rank) {
    group.ranks.push_back(rank);
    group.local_index.push_back(rank % kRanksPerNode);
    group.layout.node_of_rank.push_back(rank / kRanksPerNode);
  }
  return group;
}

topologies::Cluster eight_nodes() {
  const char* section = R"({"preset": "h100_rail_fat_tree", "num_nodes": 8})";
  topologies::ClusterConfig config;
  base::ReadReport report;
  base::read_json(topologies::resolve_cluster_presets(base::parse_json(section, "bench")), config,
                  report);
  topologies::Cluster cluster = topologies::build_cluster(config);
  CHECK(cluster.num_ranks() == kRanks, "the bench's group fills its cluster");
  return cluster;
}

Collective dispatch(AllToAll algorithm) {
  const RoutingDemand demand = one_layer();
  const auto source = zipf_routing(demand);
  const Group group = one_group();
  std::vector<SourceCounts> counts;
  for (int rank = 0; rank < kRanks; ++rank) {
    counts.push_back(
        count_source(source->route(0, rank).front(), {}, demand.placement, group.layout));
  }
  const DispatchPlan plan = assemble_plan(counts, demand.placement, group.layout);
  return all_to_all(algorithm, group, plan, Direction::to_experts,
                    row_bytes(WireType::bf16, kHiddenSize));
}

// `items` things are done in each iteration; the counter is their rate.
void count_items(benchmark::State& state, const char* item, std::int64_t items) {
  const double count = static_cast<double>(items);
  state.counters[std::string(item) + "_per_s"] =
      benchmark::Counter(count, benchmark::Counter::kIsIterationInvariantRate);
}

void RouteOneRank(benchmark::State& state) {
  const RoutingDemand demand = one_layer();
  const auto source = zipf_routing(demand);
  CHECK(static_cast<std::int64_t>(source->route(0, 0).front().experts.size()) == kPairs,
        "every token has its top-k");
  for (auto _ : state) benchmark::DoNotOptimize(source->route(0, 0));
  count_items(state, "pairs", kPairs);
}
BENCHMARK(RouteOneRank);

void CountSource(benchmark::State& state) {
  const RoutingDemand demand = one_layer();
  const model::RoutingBatch batch = zipf_routing(demand)->route(0, 0).front();
  const GroupLayout layout = one_group().layout;
  const SourceCounts counts = count_source(batch, {}, demand.placement, layout);
  CHECK(std::accumulate(counts.replica_rows.begin(), counts.replica_rows.end(), std::int64_t{0}) ==
            kPairs,
        "no pair is lost (INV-1)");
  for (auto _ : state) {
    benchmark::DoNotOptimize(count_source(batch, {}, demand.placement, layout));
  }
  count_items(state, "pairs", kPairs);
}
BENCHMARK(CountSource);

std::vector<double> zipf_weights() {
  SyntheticSettings settings;
  settings.distribution = Distribution::zipf;
  return expert_weights(settings, 0, one_layer(), 0, 0);
}

// Without AVX-512, both are the portable kernels.
void DrawChoices(benchmark::State& state, DrawKernels kernels) {
  const WeightedSampler sampler(zipf_weights());
  TokenDraws draws(sampler, base::RandomField(1, "bench"), kTopK, kernels);
  std::vector<std::int32_t> block(std::size_t{kBlockTokens} * kTopK);
  draws.fill(0, block);
  for (int token = 0; token < kBlockTokens; ++token) {
    const auto first = block.begin() + token * kTopK;
    CHECK(std::set<std::int32_t>(first, first + kTopK).size() == kTopK, "distinct experts");
  }
  for (auto _ : state) {
    for (int first = 0; first < kTokens; first += kBlockTokens) draws.fill(first, block);
    benchmark::DoNotOptimize(block.data());
  }
  count_items(state, "pairs", kPairs);
}
BENCHMARK_CAPTURE(DrawChoices, portable, DrawKernels::portable);
BENCHMARK_CAPTURE(DrawChoices, best, best_draw_kernels());

void CountChoices(benchmark::State& state) {
  const WeightedSampler sampler(zipf_weights());
  TokenDraws draws(sampler, base::RandomField(1, "bench"), kTopK);
  std::vector<std::int32_t> block(std::size_t{kBlockTokens} * kTopK);
  draws.fill(0, block);
  const auto counter = make_choice_counter(one_layer().placement, one_group().layout, kTopK);
  for (int first = 0; first < kTokens; first += kBlockTokens) counter->add(block);
  const std::vector<int> rows = counter->take().replica_rows;
  CHECK(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}) == kPairs, "INV-1");
  for (auto _ : state) {
    for (int first = 0; first < kTokens; first += kBlockTokens) counter->add(block);
    benchmark::DoNotOptimize(counter->take());
  }
  count_items(state, "pairs", kPairs);
}
BENCHMARK(CountChoices);

// Routes are found before the clock starts: a step asks for each of them again and again.
void LinkLoads(benchmark::State& state, AllToAll algorithm) {
  const topologies::Cluster cluster = eight_nodes();
  topologies::Router router(cluster);
  const Collective collective = dispatch(algorithm);
  const auto loads = topologies::link_loads(router, collective.transfers);
  for (auto _ : state) {
    benchmark::DoNotOptimize(topologies::link_loads(router, collective.transfers));
  }
  count_items(state, "transfers", static_cast<std::int64_t>(collective.transfers.size()));
  state.counters["loaded_links"] = static_cast<double>(loads.size());
}
BENCHMARK_CAPTURE(LinkLoads, direct, AllToAll::direct);
BENCHMARK_CAPTURE(LinkLoads, hierarchical_dedup, AllToAll::hierarchical_dedup);

}  // namespace
}  // namespace moesim::sim
