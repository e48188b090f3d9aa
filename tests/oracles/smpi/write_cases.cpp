// SPDX-License-Identifier: Apache-2.0
// Writes what SMPI is asked: for each case the cluster as a SimGrid platform, the bytes of each
// pair of ranks, and one line of cases.tsv with the time that fidelity `flow` gives.
//   write_cases FOLDER
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/collectives/all_reduce.h"
#include "sim/collectives/all_to_all.h"
#include "tests/oracles/network/measure.h"
#include "tests/oracles/network/traffic.h"
#include "tests/support/example_cluster.h"
#include "topologies/import_export/import_export.h"

namespace moesim::testing {
namespace {

// No power of two, where SMPI's `ring` pairs ranks by exclusive or.
constexpr int kRanks = 12;
// 4 bytes an element, and as many elements for each rank.
constexpr double kAllReduceBytes = 12 * 1024 * 1024;

struct Case {
  std::string name;
  std::string fabric;       // NAME.xml
  std::string collective;   // MPI's
  std::string algorithm;    // SMPI's
  std::string counts = "";  // NAME.counts, where there is one
  double bytes = 0;         // else the buffer
  double time_s = 0;
};

class CaseWriter {
 public:
  explicit CaseWriter(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void write_fabric(const Fabric& fabric) {
    write_cluster(fabric.cluster, (folder_ / (fabric.name + ".xml")).string(), fabric.routing);
    for (const Traffic traffic : kTraffics) write_all_to_alls(fabric, traffic);
    topologies::Router router(fabric.cluster, fabric.routing);
    std::vector<int> ranks;
    for (int rank = 0; rank < kRanks; ++rank) ranks.push_back(rank);
    Case reduction = {fabric.name + " all-reduce ring", fabric.name, "allreduce", "lr"};
    reduction.bytes = kAllReduceBytes;
    reduction.time_s =
        end_of(sim::Fidelity::flow, fabric,
               sim::all_reduce(sim::AllReduce::ring, router, ranks, base::Bytes(kAllReduceBytes)));
    cases_.push_back(reduction);
  }

  void finish() const {
    std::ofstream table(folder_ / "cases.tsv");
    table.precision(17);
    table << "name\tfabric\tcollective\talgorithm\tcounts\tbytes\ttime_s\n";
    for (const Case& c : cases_) {
      table << c.name << '\t' << c.fabric << '\t' << c.collective << '\t' << c.algorithm << '\t'
            << c.counts << '\t' << static_cast<long long>(c.bytes) << '\t' << c.time_s << '\n';
    }
    if (!table.flush()) throw std::runtime_error("cannot write cases.tsv");
  }

 private:
  void write_all_to_alls(const Fabric& fabric, Traffic traffic) {
    std::vector<base::Bytes> bytes(kRanks * kRanks);
    for (const auto& message : all_to_all_of(traffic, kRanks, 1e6, 1).transfers) {
      bytes[static_cast<std::size_t>(message.source * kRanks + message.destination)] =
          message.bytes;
    }
    const std::string counts = name_of(traffic) + ".counts";
    std::ofstream matrix(folder_ / counts);
    for (const base::Bytes b : bytes) matrix << static_cast<long long>(b.value) << '\n';
    if (!matrix.flush()) throw std::runtime_error("cannot write " + counts);
    std::vector<int> ranks;
    for (int rank = 0; rank < kRanks; ++rank) ranks.push_back(rank);
    const sim::Group group = sim::group_of(fabric.cluster, ranks);
    // SMPI's `ring` goes n - 1 rounds round the ranks, which is our `pairwise`.
    for (const auto& [ours, name, theirs] :
         {std::tuple(sim::AllToAll::direct, "direct", "ompi_basic_linear"),
          std::tuple(sim::AllToAll::pairwise, "pairwise", "ring")}) {
      const sim::Collective collective = sim::all_to_all(ours, group, bytes);
      Case c = {fabric.name + " all-to-all-v " + name + " " + name_of(traffic), fabric.name,
                "alltoallv", theirs, counts};
      c.time_s = end_of(sim::Fidelity::flow, fabric, collective);
      cases_.push_back(c);
    }
  }

  std::filesystem::path folder_;
  std::vector<Case> cases_;
};

// 6 nodes of 2. Where the spines' latency is 0, all messages that meet on a link have the same.
Fabric fabric_of(const std::string& name, topologies::Topology topology, double switch_latency_s) {
  topologies::ClusterConfig config = example_config(topology, kRanks / 2, 2);
  config.fabric.nodes_per_leaf = 2;
  config.fabric.switch_latency = base::Seconds(switch_latency_s);
  return {name, build_cluster(config), {}};
}

void write_cases(const std::filesystem::path& folder) {
  using topologies::Topology;
  CaseWriter writer(folder);
  writer.write_fabric(fabric_of("single_switch", Topology::single_switch, 0));
  writer.write_fabric(fabric_of("rail_fat_tree", Topology::rail_optimized_fat_tree, 0));
  writer.write_fabric(fabric_of("unequal_latencies", Topology::rail_optimized_fat_tree, 4e-6));
  writer.finish();
}

}  // namespace
}  // namespace moesim::testing

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: write_cases FOLDER\n", stderr);
    return 2;
  }
  try {
    moesim::testing::write_cases(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_cases: %s\n", error.what());
    return 1;
  }
  return 0;
}
