// SPDX-License-Identifier: Apache-2.0
// Chrome Trace Event JSON ("Trace Event Format", the Chromium project), as ui.perfetto.dev and
// chrome://tracing read it.
#pragma once

#include <string>

#include "sim/report/writers/trace_picture.h"

namespace moesim::sim {

// The JSON text. Process rank + 1 is a rank, thread 1 its compute and thread 2 its comm stream (0
// has a meaning of its own to readers); process num_ranks + 1 holds the links' counters in GB/s.
// Times are in microseconds with exactly three decimals.
std::string render_chrome_trace(const TracePicture& picture);

}  // namespace moesim::sim
