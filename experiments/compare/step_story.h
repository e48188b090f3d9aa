// SPDX-License-Identifier: Apache-2.0
// What one executed step says of itself, for an explanation.
#pragma once

#include <string>
#include <vector>

#include "experiments/compare/explanation.h"
#include "sim/run.h"

namespace moesim::experiments {

// Fills in what the run alone knows: the critical path, ranks' times, hot ranks and experts, links.
// `plans` are those of the run's first job.
void tell_step(const sim::Run& run, const sim::StepPlans& plans, Explanation& explanation);

// What follows from all the rest, in a few sentences: which cause has most, who is hot or waited
// for, or that nobody is.
std::vector<std::string> verdict_of(const Explanation& explanation);

}  // namespace moesim::experiments
