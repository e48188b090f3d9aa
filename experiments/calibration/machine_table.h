// SPDX-License-Identifier: Apache-2.0
// The cost table of the machine this runs on, from what was measured there.
#pragma once

#include "experiments/calibration/compute_calibration.h"
#include "experiments/calibration/kernel_measuring.h"

namespace moesim::experiments {

// What a fit to the measured rows begins with: the machine's name, the best rates of any row as
// ceilings, default tiles for every family.
sim::CostTable table_of_machine(const model::TrialMachine& machine, const Measured& measured);

// Each family's measured slow-down in long runs.
void add_sustained(const Measured& measured, sim::CostTable& table);

}  // namespace moesim::experiments
