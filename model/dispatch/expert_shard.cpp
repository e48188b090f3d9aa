// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/expert_shard.h"

namespace moesim::model {
namespace {

// A run of units (or of experts) in the whole stack and in the shard.
struct Run {
  Index whole = 0;
  Index shard = 0;
  Index size = 0;
};

struct Runs {
  std::vector<Run> units;
  std::vector<Run> experts;
};

Runs runs_of(const ExpertShape& whole, const std::vector<int>& experts) {
  Runs runs;
  Index unit = 0;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    const Index units = whole.units(experts[i]);
    runs.units.push_back({whole.first[experts[i]], unit, units});
    runs.experts.push_back({experts[i], static_cast<Index>(i), 1});
    unit += units;
  }
  return runs;
}

// Calls visit(whole's part, shard's part) for every run of every matrix that is there.
template <class Whole, class Shard, class Visitor>
void for_each_part(Whole& whole, Shard& shard, const Runs& runs, Visitor&& visit) {
  const auto rows = [&](auto& all, auto& own, const std::vector<Run>& list) {
    if (all.size() == 0) return;
    for (const Run& run : list) {
      visit(all.middleRows(run.whole, run.size), own.middleRows(run.shard, run.size));
    }
  };
  const auto columns = [&](auto& all, auto& own) {
    if (all.size() == 0) return;
    for (const Run& run : runs.units) {
      visit(all.middleCols(run.whole, run.size), own.middleCols(run.shard, run.size));
    }
  };
  rows(whole.gate, shard.gate, runs.units);
  rows(whole.up, shard.up, runs.units);
  rows(whole.down, shard.down, runs.units);
  columns(whole.gate_bias, shard.gate_bias);
  columns(whole.up_bias, shard.up_bias);
  rows(whole.down_bias, shard.down_bias, runs.experts);
}

}  // namespace

ExpertShape shard_shape(const ExpertShape& whole, const std::vector<int>& experts) {
  ExpertShape shape = whole;
  shape.first = {0};
  for (const int expert : experts) shape.first.push_back(shape.first.back() + whole.units(expert));
  return shape;
}

template <class S>
ExpertWeights<S> shard_weights(const ExpertWeights<S>& weights, const ExpertShape& whole,
                               const std::vector<int>& experts) {
  const ExpertShape shape = shard_shape(whole, experts);
  const Index units = shape.first.back();
  ExpertWeights<S> shard;
  if (weights.gate.size() != 0) shard.gate.resize(units, whole.hidden);
  shard.up.resize(units, whole.hidden);
  shard.down.resize(units, whole.hidden);
  if (weights.gate_bias.size() != 0) shard.gate_bias.resize(1, units);
  if (weights.up_bias.size() != 0) shard.up_bias.resize(1, units);
  if (weights.down_bias.size() != 0) shard.down_bias.resize(shape.count(), whole.hidden);
  for_each_part(weights, shard, runs_of(whole, experts),
                [](const auto& all, auto own) { own = all; });
  return shard;
}

template <class S>
void add_shard(const ExpertWeights<S>& shard, const ExpertShape& whole,
               const std::vector<int>& experts, ExpertWeights<S>& weights) {
  for_each_part(weights, shard, runs_of(whole, experts),
                [](auto all, const auto& own) { all += own; });
}

template ExpertWeights<float> shard_weights(const ExpertWeights<float>&, const ExpertShape&,
                                            const std::vector<int>&);
template ExpertWeights<double> shard_weights(const ExpertWeights<double>&, const ExpertShape&,
                                             const std::vector<int>&);
template void add_shard(const ExpertWeights<float>&, const ExpertShape&, const std::vector<int>&,
                        ExpertWeights<float>&);
template void add_shard(const ExpertWeights<double>&, const ExpertShape&, const std::vector<int>&,
                        ExpertWeights<double>&);

}  // namespace moesim::model
