// SPDX-License-Identifier: Apache-2.0
// Perfetto's native trace: whole nanoseconds, counters with units, a third of the JSON's size.
#pragma once

#include <string>

#include "sim/report/writers/trace_picture.h"

namespace moesim::sim {

// The protobuf (message perfetto.protos.Trace), everything in one packet sequence whose names are
// interned in its first packet. Processes and threads are those of render_chrome_trace.
std::string render_perfetto_trace(const TracePicture& picture);

}  // namespace moesim::sim
