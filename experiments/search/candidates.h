// SPDX-License-Identifier: Apache-2.0
// What a search chooses between: the configurations of a sweep, each with its seeds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

// Points that differ in their seeds only: one configuration, run several times.
struct Candidate {
  std::string label;                  // "router.capacity_factor=1.0", without the seeds
  std::vector<std::string> settings;  // of each axis that is no seed its value; "" without one
  std::vector<std::size_t> points;    // indices in the sweep, by rising index
};

// True of a swept key that repeats a configuration instead of changing it: "router.seed",
// "cluster.ecmp_seed".
bool is_seed(const std::string& axis);

// The sweep's configurations in the order of their first points; what the sweep leaves out is in
// none.
std::vector<Candidate> candidates_of(const Sweep& sweep);

// The indices of the first `seeds` points of each of the candidates numbered in `chosen`.
std::vector<std::size_t> points_of(const std::vector<Candidate>& candidates,
                                   const std::vector<std::size_t>& chosen, std::size_t seeds);

}  // namespace moesim::experiments
