// SPDX-License-Identifier: Apache-2.0
// What a search chooses between: the configurations of a sweep, each with its seeds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

// Points that differ in their seeds only: one configuration, run several times.
struct Candidate {
  std::string label;  // "router.capacity_factor=1.0", without the seeds
  // A number for each swept key that is no seed, the same for the same value.
  std::vector<std::uint32_t> settings;
  std::vector<std::size_t> points;  // indices in the sweep, by rising index
};

// The sweep's configurations in the order of their first points; what the sweep leaves out is in
// none.
std::vector<Candidate> candidates_of(const Sweep& sweep);

// The indices of the first `seeds` points of each of the candidates numbered in `chosen`.
std::vector<std::size_t> points_of(const std::vector<Candidate>& candidates,
                                   const std::vector<std::size_t>& chosen, std::size_t seeds);

}  // namespace moesim::experiments
