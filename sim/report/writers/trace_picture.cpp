// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/trace_picture.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Transfer;

std::int64_t to_ns(base::Seconds time) { return std::llround(time.value * 1e9); }

// A span and the operation it shows, before spans are put in their final order.
struct DrawnSpan {
  Span span;
  int op = 0;
};

// What a rank moves in one collective, itself left out.
struct Moved {
  Bytes sent;
  Bytes received;
};

std::vector<Moved> moved_by_rank(const Collective& collective, int num_ranks) {
  std::vector<Moved> moved(num_ranks);
  for (const Transfer& transfer : collective.transfers) {
    if (transfer.source == transfer.destination) continue;
    moved[transfer.source].sent += transfer.bytes;
    moved[transfer.destination].received += transfer.bytes;
  }
  return moved;
}

void draw_collective(const TraceInput& input, int op, std::vector<DrawnSpan>& drawn) {
  const int index = input.graph.ops[op].collective;
  const Collective& collective = input.graph.collectives[index];
  const std::vector<base::Seconds>& ends = input.timeline.rank_end[index];
  CHECK(ends.size() == collective.ranks.size(), "every participant has an end");
  const std::vector<Moved> moved = moved_by_rank(collective, input.graph.num_ranks);
  for (std::size_t position = 0; position < ends.size(); ++position) {
    const int rank = collective.ranks[position];
    drawn.push_back(
        {{rank, Stream::comm, to_ns(input.timeline.ops[op].start), to_ns(ends[position]),
          input.graph.ops[op].label, std::llround(moved[rank].sent.value),
          std::llround(moved[rank].received.value)},
         op});
  }
}

std::vector<DrawnSpan> draw_spans(const TraceInput& input) {
  std::vector<DrawnSpan> drawn;
  for (std::size_t op = 0; op < input.graph.ops.size(); ++op) {
    const Op& what = input.graph.ops[op];
    if (what.rank < 0) {
      draw_collective(input, static_cast<int>(op), drawn);
      continue;
    }
    const OpTimes& when = input.timeline.ops[op];
    drawn.push_back({{what.rank, Stream::compute, to_ns(when.start), to_ns(when.end), what.label},
                     static_cast<int>(op)});
  }
  std::sort(drawn.begin(), drawn.end(), [](const DrawnSpan& a, const DrawnSpan& b) {
    const auto key = [](const DrawnSpan& d) {
      return std::tuple(d.span.rank, d.span.stream, d.span.start_ns, d.span.end_ns, d.op);
    };
    return key(a) < key(b);
  });
  return drawn;
}

void check_order(const std::vector<Span>& spans) {
  for (std::size_t i = 0; i < spans.size(); ++i) {
    CHECK(spans[i].start_ns <= spans[i].end_ns, "a span ends after it starts");
    if (i == 0) continue;
    const Span& before = spans[i - 1];
    const bool same_track = before.rank == spans[i].rank && before.stream == spans[i].stream;
    CHECK(!same_track || before.end_ns <= spans[i].start_ns,
          "spans of one stream follow each other");
  }
}

// Transfers to other ranks by (source, destination), those of one pair in their order.
std::vector<Transfer> sorted_transfers(const Collective& collective) {
  std::vector<Transfer> transfers;
  for (const Transfer& transfer : collective.transfers) {
    if (transfer.source != transfer.destination) transfers.push_back(transfer);
  }
  const auto before = [](const Transfer& a, const Transfer& b) {
    return std::pair(a.source, a.destination) < std::pair(b.source, b.destination);
  };
  // A million transfers are usual, and most algorithms already list them so.
  if (!std::is_sorted(transfers.begin(), transfers.end(), before)) {
    std::stable_sort(transfers.begin(), transfers.end(), before);
  }
  return transfers;
}

// The rank that each source sends most bytes to, itself excluded; sources that send none are
// absent.
std::map<int, int> favourite_destinations(const Collective& collective) {
  std::map<int, int> favourites;
  Transfer most;
  Transfer pair;  // all that its source has sent to its destination so far
  for (const Transfer& transfer : sorted_transfers(collective)) {
    if (transfer.source != most.source) most = {transfer.source, 0, Bytes(0)};
    if (transfer.source != pair.source || transfer.destination != pair.destination) {
      pair = {transfer.source, transfer.destination, Bytes(0)};
    }
    pair.bytes += transfer.bytes;
    if (pair.bytes <= most.bytes) continue;
    most = pair;
    favourites[pair.source] = pair.destination;
  }
  return favourites;
}

bool is_forward(const OpLabel& label, Phase phase) {
  return label.phase == phase && !label.backward;
}

// Where the spans of forward dispatches (by operation and rank) and of forward expert computations
// (by layer, micro-batch and rank) stand.
struct ArrowEnds {
  std::map<std::pair<int, int>, int> dispatches;
  std::map<std::tuple<int, int, int>, int> experts;
};

ArrowEnds find_arrow_ends(const std::vector<DrawnSpan>& drawn) {
  ArrowEnds ends;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const Span& span = drawn[i].span;
    if (span.start_ns == span.end_ns) continue;
    const int index = static_cast<int>(i);
    if (is_forward(span.label, Phase::dispatch)) ends.dispatches[{drawn[i].op, span.rank}] = index;
    if (is_forward(span.label, Phase::expert)) {
      ends.experts[{span.label.layer, span.label.micro_batch, span.rank}] = index;
    }
  }
  return ends;
}

std::vector<Arrow> draw_arrows(const StepGraph& graph, const std::vector<DrawnSpan>& drawn) {
  const ArrowEnds ends = find_arrow_ends(drawn);
  std::vector<Arrow> arrows;
  for (std::size_t op = 0; op < graph.ops.size(); ++op) {
    const auto& [label, rank, duration, collective] = graph.ops[op];
    if (collective < 0 || !is_forward(label, Phase::dispatch)) continue;
    for (const auto& [source, favourite] : favourite_destinations(graph.collectives[collective])) {
      const auto from = ends.dispatches.find({static_cast<int>(op), source});
      const auto to = ends.experts.find({label.layer, label.micro_batch, favourite});
      if (from == ends.dispatches.end() || to == ends.experts.end()) continue;
      arrows.push_back({from->second, to->second});
    }
  }
  return arrows;
}

// Of [0, end_ns]: other jobs may use the link before and after.
std::vector<RateSample> draw_samples(const LinkUse& use, std::int64_t end_ns) {
  std::vector<RateSample> samples{{0, 0}};
  // Of several rates within one nanosecond the last one stays.
  const auto add = [&samples](std::int64_t time_ns, double rate) {
    CHECK(samples.back().time_ns <= time_ns, "a link's rates are in time order");
    if (samples.back().time_ns < time_ns) samples.push_back({time_ns, 0});
    samples.back().gigabytes_per_second = rate;
  };
  for (std::size_t i = 0; i < use.times.size(); ++i) {
    const std::int64_t time_ns = std::max<std::int64_t>(to_ns(use.times[i]), 0);
    if (time_ns > end_ns) break;
    add(time_ns, use.rates[i].value * 1e-9);
  }
  add(end_ns, 0);
  return samples;
}

std::vector<LinkCounter> draw_counters(const TraceInput& input, std::int64_t end_ns) {
  std::vector<LinkUse> const& uses = input.timeline.links;
  std::vector<int> order(uses.size());
  std::iota(order.begin(), order.end(), 0);
  // By time at full rate, as the report's hottest links: a NIC before a faster scale-up link.
  const auto full_rate_time = [&](int i) {
    return (uses[i].bytes / input.cluster.links[uses[i].link].bandwidth).value;
  };
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    if (full_rate_time(a) != full_rate_time(b)) return full_rate_time(a) > full_rate_time(b);
    return uses[a].link < uses[b].link;
  });
  order.resize(std::min<std::size_t>(order.size(), kNumLinkCounters));

  std::map<std::string, int> bearers;
  for (const int i : order) ++bearers[input.cluster.links[uses[i].link].name];
  std::vector<LinkCounter> counters;
  for (const int i : order) {
    std::string name = input.cluster.links[uses[i].link].name;
    if (bearers[name] > 1) name += " #" + std::to_string(uses[i].link);
    counters.push_back({std::move(name), draw_samples(uses[i], end_ns)});
  }
  return counters;
}

}  // namespace

const char* name_of(Stream stream) { return stream == Stream::compute ? "compute" : "comm"; }

TracePicture draw_trace(const TraceInput& input) {
  TracePicture picture;
  picture.title = input.title;
  picture.routing_source = input.routing_source;
  picture.num_nodes = input.cluster.num_nodes;
  picture.end_ns = to_ns(input.timeline.end);
  for (int rank = 0; rank < input.graph.num_ranks; ++rank) {
    picture.rank_names.push_back("rank " + std::to_string(rank) + " (node" +
                                 std::to_string(input.cluster.node_of_rank(rank)) + ")");
  }
  const std::vector<DrawnSpan> drawn = draw_spans(input);
  picture.spans.reserve(drawn.size());
  for (const DrawnSpan& one : drawn) picture.spans.push_back(one.span);
  check_order(picture.spans);
  picture.arrows = draw_arrows(input.graph, drawn);
  picture.counters = draw_counters(input, picture.end_ns);
  return picture;
}

}  // namespace moesim::sim
