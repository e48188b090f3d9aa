// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_collective.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "sim/collectives/all_gather.h"
#include "sim/collectives/all_reduce.h"
#include "sim/collectives/all_to_all.h"
#include "sim/collectives/reduce_scatter.h"
#include "sim/collectives/send_recv.h"

namespace moesim::experiments {
namespace {

// The algorithm that the case names, of the operation's.
template <class Algorithm>
Algorithm algorithm_of(const MeasuredCase& measured, Algorithm usual) {
  if (measured.algorithm.empty()) return usual;
  std::vector<std::string> names;
  for (const auto& [algorithm, name] : names_of(Algorithm{})) {
    if (name == measured.algorithm) return algorithm;
    names.push_back(name);
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  throw base::Error(measured.id, "unknown algorithm \"" + measured.algorithm + "\"",
                    base::did_you_mean(measured.algorithm, names) + " of: " + known);
}

sim::Collective of_tokens(const MeasuredCase& measured, const sim::Group& group,
                          const sim::DispatchPlan& plan) {
  const base::Bytes row =
      sim::row_bytes(measured.dtype, measured.hidden_size) + measured.row_header;
  const auto direction = measured.operation == Operation::dispatch ? sim::Direction::to_experts
                                                                   : sim::Direction::from_experts;
  return sim::all_to_all(algorithm_of(measured, sim::AllToAll::hierarchical_dedup), group, plan,
                         direction, row);
}

// nccl-tests' all-to-all: a rank's buffer has a block for every rank, its own included.
sim::Collective of_blocks(const MeasuredCase& measured, const sim::Group& group) {
  const std::size_t n = group.ranks.size();
  const std::vector<base::Bytes> blocks(n * n, measured.message_size / static_cast<double>(n));
  return sim::all_to_all(algorithm_of(measured, sim::AllToAll::direct), group, blocks,
                         measured.message_size / static_cast<double>(n));
}

}  // namespace

sim::Collective collective_of(const MeasuredCase& measured, const sim::Group& group,
                              const sim::DispatchPlan* plan, topologies::Router& router) {
  const base::Bytes size = measured.message_size;
  const auto n = static_cast<double>(group.ranks.size());
  const auto each = [&group](base::Bytes bytes) {
    return std::vector<base::Bytes>(group.ranks.size(), bytes);
  };
  switch (measured.operation) {
    case Operation::dispatch:
    case Operation::combine:
      return of_tokens(measured, group, *plan);
    case Operation::all_to_all:
      return of_blocks(measured, group);
    case Operation::all_reduce:
      return sim::all_reduce(algorithm_of(measured, sim::AllReduce::ring), router, group.ranks,
                             each(size));
    case Operation::all_gather:
      return sim::all_gather(algorithm_of(measured, sim::AllGather::ring), router, group.ranks,
                             each(size / n));
    case Operation::reduce_scatter:
      return sim::reduce_scatter(algorithm_of(measured, sim::ReduceScatter::ring), router,
                                 group.ranks, each(size));
    case Operation::send_recv:
      break;
  }
  return sim::send(group.ranks[0], group.ranks[1], size);
}

}  // namespace moesim::experiments
