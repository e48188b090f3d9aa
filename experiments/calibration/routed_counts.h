// SPDX-License-Identifier: Apache-2.0
// How many rows each expert gets under the named distributions of the public latency tables
// (github ai-dynamo/aiconfigurator, collector/helper.py: balanced_logits, sample_power_law,
// _generate_power_law_distribution). Their producer draws power laws at random; here the draw's
// uniform numbers are the midpoints (i + 1/2) / experts, so the counts are those of a typical draw
// and the same every time.
#pragma once

#include <string>
#include <vector>

namespace moesim::experiments {

// Throws base::Error at `where` for another name than "balanced" and "power_law_A" with an exponent
// of more than 0, at most 10, and not 1.
void require_distribution(const std::string& distribution, const std::string& where);

// "balanced", or "power_law_A" with the exponent A (not 1). The counts add up to tokens * top_k,
// none above `tokens`. Throws as require_distribution().
std::vector<int> routed_counts(const std::string& distribution, int tokens, int experts, int top_k,
                               const std::string& where);

}  // namespace moesim::experiments
