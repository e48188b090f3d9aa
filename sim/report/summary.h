// SPDX-License-Identifier: Apache-2.0
// The result as a page of text for people.
#pragma once

#include <span>
#include <string>

#include "sim/report/result.h"

namespace moesim::sim {

// At most 100 columns, ends in a newline. Megatron-LM's words for step time and throughput.
std::string summary_text(const Result& result);

// One line a point, for sweeps: what was swept and the figures that one compares; points without
// figures with their reason.
std::string comparison_text(std::span<const Result> results);

}  // namespace moesim::sim
