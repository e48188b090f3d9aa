// SPDX-License-Identifier: Apache-2.0
// What a trace shows, before any file format: who did what from when to when, in whole nanoseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/report/writers/trace_writer.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

enum class Stream { compute, comm };
inline constexpr int kNumStreams = 2;
const char* name_of(Stream stream);

// A stretch of one rank's stream. Spans of one stream never overlap; they may be empty.
struct Span {
  int rank = 0;
  Stream stream = Stream::compute;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  OpLabel label;
  std::int64_t sent_bytes = 0;      // comm: by this rank to others
  std::int64_t received_bytes = 0;  // comm: by this rank from others
};

// Cause and effect, drawn from the last nanosecond of one span to the first of another.
struct Arrow {
  int from = 0;  // indices into TracePicture::spans
  int to = 0;
};

struct RateSample {
  std::int64_t time_ns = 0;
  double gigabytes_per_second = 0;  // from here to the next sample
};

struct LinkCounter {
  std::string name;                 // the link's, with its index where two shown links share it
  std::vector<RateSample> samples;  // times strictly ascending, from 0 to the end, where it is 0
};

struct TracePicture {
  std::string title;
  std::string routing_source;
  int num_nodes = 0;
  std::int64_t end_ns = 0;
  std::vector<std::string> rank_names;  // "rank 12 (node1)"
  std::vector<Span> spans;              // by (rank, stream, start, end)
  std::vector<Arrow> arrows;            // by (operation, source rank) of the dispatch
  std::vector<LinkCounter> counters;    // most bytes first
};

inline constexpr int kNumLinkCounters = 16;

// A rank's span of a collective goes from the collective's start to the rank's own end. An arrow
// leads from each rank's forward dispatch to the expert computation (same layer and micro-batch) of
// the other rank it sends most bytes to directly (the lower rank when two get the same; with a
// hierarchical all-to-all that can be the relay); where either span rounds to 0 ns there is none.
// Times are rounded to the nearest nanosecond, all alike, so rounding never makes spans overlap.
TracePicture draw_trace(const TraceInput& input);

}  // namespace moesim::sim
