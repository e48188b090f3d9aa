// SPDX-License-Identifier: Apache-2.0
// Timing traces for people's viewers. Every writer gives the same bytes for the same input.
//
// The picture: one process per rank ("rank 12 (node1)"), with one track for its compute stream and
// one for its communication stream; counters of the most loaded links' use in GB/s; an arrow from
// every rank's dispatch to the expert computation of the rank that it sends most bytes to.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"
#include "topologies/cluster.h"

namespace moesim::sim {

enum class TraceFormat { perfetto, chrome };
base::EnumNames<TraceFormat> names_of(TraceFormat);

struct TraceInput {
  const topologies::Cluster& cluster;
  const StepGraph& graph;
  const Timeline& timeline;
  std::string title;           // scenario name and point
  std::string routing_source;  // shown in the trace's metadata
};

// "trace.pftrace.gz", "trace.json.gz"
std::string trace_file_name(TraceFormat format);

// The trace's bytes, gzip-compressed (no time stamp in the header).
std::string render_trace(TraceFormat format, const TraceInput& input);

}  // namespace moesim::sim
