// SPDX-License-Identifier: Apache-2.0
// The cases of a comparison, all of which can be made.
#pragma once

#include <string>
#include <vector>

#include "experiments/bench_request.h"

namespace moesim::testing {

inline std::vector<experiments::BenchCase> bench_cases(
    const experiments::BenchRequest& request, const std::vector<std::string>& comparisons) {
  std::vector<experiments::BenchCase> cases;
  for (const auto& variant : experiments::bench_variants(request, comparisons)) {
    cases.push_back(experiments::bench_case(variant));
  }
  return cases;
}

}  // namespace moesim::testing
