// SPDX-License-Identifier: Apache-2.0
// One collective of many sizes on any cluster, as nccl-tests (github NVIDIA/nccl-tests) measure it
// on a real one.
#pragma once

#include <memory>
#include <vector>

#include "base/units.h"
#include "experiments/bench_request.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::experiments {

// `begin`, times `factor` or plus `step` (the one that is not 0), up to `end`.
struct SizeRange {
  base::Bytes begin;
  base::Bytes end;
  double factor = 0;
  base::Bytes step;
};

// At most 10,000 sizes, each the least multiple of `granule` that holds it, none twice. Throws
// base::Error at -e, -f or -i.
std::vector<base::Bytes> sizes_of(const SizeRange& range, base::Bytes granule);

struct BenchFigures {
  base::Seconds time;
  base::Seconds floor;         // the least that the cluster allows, as fidelity analytic
  base::BytesPerSecond algbw;  // size / time
  base::BytesPerSecond busbw;  // algbw * bus_factor
  double wall_s = 0;           // that the simulation of the collective took
};

// A case on its cluster, ready to measure.
class CollectiveBench {
 public:
  explicit CollectiveBench(BenchCase bench);
  ~CollectiveBench();
  CollectiveBench(CollectiveBench&&) noexcept;

  const BenchCase& bench() const { return bench_; }
  int num_ranks() const { return static_cast<int>(bench_.collective.ranks.size()); }
  // The size that the case brings with it (a matrix' mean bytes of a source), 0 B for none.
  base::Bytes own_size() const;
  // Throws base::Error. In a process of its own where the fidelity needs SimGrid.
  BenchFigures measure(base::Bytes size);

 private:
  sim::Collective collective_of(base::Bytes size);

  BenchCase bench_;
  std::unique_ptr<topologies::Router> router_;
};

}  // namespace moesim::experiments
