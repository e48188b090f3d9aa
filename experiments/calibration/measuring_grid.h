// SPDX-License-Identifier: Apache-2.0
// Which kernels are timed on which shapes: enough of them around each family's tiles that a fit can
// leave one out.
#pragma once

#include <vector>

#include "experiments/calibration/latency_row.h"

namespace moesim::experiments {

enum class GridSize {
  small,        // a few small shapes, to try it out
  processor,    // what cores do in seconds
  accelerator,  // layers of published models
};

// The rows that are measured, without their times; those of one shape by their tokens.
std::vector<LatencyRow> measuring_grid(GridSize size);

}  // namespace moesim::experiments
