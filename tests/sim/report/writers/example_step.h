// SPDX-License-Identifier: Apache-2.0
// Two ranks on two nodes run one MoE layer forward, in times that can be followed by hand:
//
//   us      0    1    2         4    5         6.25      9         10   11   12
//   rank 0  router        dispatch   . expert  .         combine        optimizer
//   rank 1  router-----   dispatch-----expert-----------combine
//
// Rank 0 sends 3000 B and rank 1 sends 1000 B; the combine carries the same back.
#pragma once

#include "sim/report/timeline.h"
#include "sim/report/writers/trace_writer.h"
#include "sim/step/step_graph.h"
#include "topologies/cluster.h"

namespace moesim::sim::testing {

inline topologies::Cluster example_cluster() {
  using topologies::LinkKind;
  using topologies::VertexKind;
  topologies::Cluster cluster;
  cluster.vertices = {{VertexKind::accelerator, "gpu0", 0}, {VertexKind::accelerator, "gpu1", 1}};
  cluster.links = {
      {0, 1, LinkKind::fabric, base::BytesPerSecond(2e9), base::Seconds(0), "gpu0->gpu1"},
      {1, 0, LinkKind::fabric, base::BytesPerSecond(2e9), base::Seconds(0), "gpu1->gpu0"}};
  cluster.accelerators = {0, 1};
  cluster.num_nodes = 2;
  return cluster;
}

inline StepGraph example_graph() {
  using base::Bytes;
  using base::Seconds;
  StepGraph graph;
  graph.num_ranks = 2;
  graph.collectives = {
      {"dispatch", {0, 1}, {{0, 0, Bytes(100)}, {0, 1, Bytes(3000)}, {1, 0, Bytes(1000)}}, {}},
      {"combine", {0, 1}, {{0, 0, Bytes(100)}, {0, 1, Bytes(1000)}, {1, 0, Bytes(3000)}}, {}}};
  graph.add({{Phase::router, 0, 0, false}, 0, Seconds(1e-6), -1}, {});
  graph.add({{Phase::router, 0, 0, false}, 1, Seconds(2e-6), -1}, {});
  graph.add({{Phase::dispatch, 0, 0, false}, -1, Seconds(0), 0}, {0, 1});
  graph.add({{Phase::expert, 0, 0, false}, 0, Seconds(1.2504e-6), -1}, {2});
  graph.add({{Phase::expert, 0, 0, false}, 1, Seconds(4e-6), -1}, {2});
  graph.add({{Phase::combine, 0, 0, false}, -1, Seconds(0), 1}, {3, 4});
  graph.add({{Phase::optimizer, -1, -1, false}, 0, Seconds(1e-6), -1}, {5});
  return graph;
}

inline Timeline example_timeline() {
  using base::Bytes;
  using base::BytesPerSecond;
  using base::Seconds;
  const auto us = [](double value) { return Seconds(value * 1e-6); };
  Timeline timeline;
  timeline.end = us(12);
  timeline.ops = {{us(0), us(1)}, {us(0), us(2)},  {us(2), us(5)},  {us(5), us(6.2504)},
                  {us(5), us(9)}, {us(9), us(11)}, {us(11), us(12)}};
  timeline.rank_end = {{us(4), us(5)}, {us(11), us(10)}};
  const BytesPerSecond idle(0);
  timeline.links = {{0,
                     Bytes(4000),
                     us(4),
                     {us(2), us(5), us(9), us(10)},
                     {BytesPerSecond(1e9), idle, BytesPerSecond(1e9), idle}},
                    {1,
                     Bytes(4000),
                     us(4),
                     {us(2), us(4), us(9), us(11)},
                     {BytesPerSecond(0.5e9), idle, BytesPerSecond(1.5e9), idle}}};
  return timeline;
}

// Owns what a TraceInput refers to; free to be changed before input() is called.
struct ExampleStep {
  topologies::Cluster cluster = example_cluster();
  StepGraph graph = example_graph();
  Timeline timeline = example_timeline();

  TraceInput input() const {
    return {cluster, graph, timeline, "example \"two\nranks\"", "synthetic"};
  }
};

}  // namespace moesim::sim::testing
