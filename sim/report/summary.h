// SPDX-License-Identifier: Apache-2.0
// The result as a page of text for people.
#pragma once

#include <string>

#include "sim/report/result.h"

namespace moesim::sim {

// At most 100 columns, ends in a newline. Megatron-LM's words for step time and throughput.
std::string summary_text(const Result& result);

}  // namespace moesim::sim
