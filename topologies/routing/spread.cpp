// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/spread.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace moesim::topologies {
namespace {

Place after(const Place& at, int link, const Skeleton& skeleton) {
  return {skeleton.head[link], at.has_entered || skeleton.entry[link] != 0};
}

struct WaySearch {
  NextHops& next;
  const Destination& to;
  std::size_t limit;
  std::vector<Way> ways = {};
  std::vector<int> links = {};

  void search(const Place& at, double share) {
    if (at.vertex == to.vertex) {
      ways.push_back({links, share});
      return;
    }
    std::vector<int> choices;
    next.next_links(at.vertex, to, at.has_entered, choices);
    for (const int link : choices) {
      if (ways.size() >= limit) return;
      links.push_back(link);
      search(after(at, link, next.skeleton()), share / static_cast<double>(choices.size()));
      links.pop_back();
    }
  }
};

bool is_local(const Place& at, const Destination& to, const Skeleton& skeleton) {
  const bool is_near = to.domain != kNoDomain && skeleton.domain[at.vertex] == to.domain;
  return at.has_entered || to.decides_at(at.vertex) || (is_near && !skeleton.forwards[at.vertex]);
}

}  // namespace

std::vector<Way> list_ways(NextHops& next, int vertex, const Destination& to, std::size_t limit) {
  WaySearch search{next, to, limit};
  search.search({vertex, false}, 1.0);
  return std::move(search.ways);
}

GreatestLatency::GreatestLatency(NextHops& next, const std::vector<base::Seconds>& latencies)
    : next_(next), latencies_(latencies), descents_(next.skeleton().exits.size()) {}

base::Seconds GreatestLatency::of(int vertex, const Destination& to) {
  const Skeleton& s = next_.skeleton();
  const Exit& exit = s.exits[vertex];
  if (vertex != to.vertex && !is_local({vertex, false}, to, s) && exit.junction >= 0 &&
      have_equal_descents(to)) {
    return along(next_.chain(exit)) + to_doors(to.approach)[exit.junction] +
           descents_[to.vertex].latency;
  }
  std::map<Place, base::Seconds> known;
  return search({vertex, false}, to, known);
}

base::Seconds GreatestLatency::search(const Place& at, const Destination& to,
                                      std::map<Place, base::Seconds>& known) {
  if (at.vertex == to.vertex) return {};
  if (const auto found = known.find(at); found != known.end()) return found->second;
  std::vector<int> choices;
  next_.next_links(at.vertex, to, at.has_entered, choices);
  CHECK(!choices.empty(), "latency of a way that is not there");
  base::Seconds greatest;
  for (const int link : choices) {
    const base::Seconds rest = search(after(at, link, next_.skeleton()), to, known);
    greatest = std::max(greatest, latencies_[link] + rest);
  }
  known[at] = greatest;
  return greatest;
}

bool GreatestLatency::have_equal_descents(const Destination& to) {
  Descent& descent = descents_[to.vertex];
  if (descent.is_known) return descent.is_equal;
  descent.is_known = true;
  descent.is_equal = to.approach >= 0;
  bool is_first = true;
  std::map<Place, base::Seconds> known;
  std::vector<int> choices;
  for (const Door& door : to.doors) {
    if (next_.approach(to.approach).steps[door.junction] != kAtDoor) continue;
    const int vertex = next_.skeleton().junctions[door.junction];
    if (vertex == to.vertex) continue;
    next_.next_links(vertex, to, false, choices);
    for (const int link : choices) {
      const int head = next_.skeleton().head[link];
      // Another way as short goes on over the fabric.
      const bool leads_in = head == to.vertex || to.local_at(head) != nullptr;
      descent.is_equal = descent.is_equal && leads_in;
    }
    const base::Seconds latency = search({vertex, false}, to, known);
    descent.is_equal = descent.is_equal && (is_first || latency == descent.latency);
    descent.latency = latency;
    is_first = false;
  }
  return descent.is_equal;
}

// From each junction to the farthest door, nearest junctions first.
const std::vector<base::Seconds>& GreatestLatency::to_doors(int index) {
  if (to_doors_.size() <= static_cast<std::size_t>(index)) to_doors_.resize(index + 1);
  std::vector<base::Seconds>& known = to_doors_[index];
  if (!known.empty()) return known;
  const Skeleton& s = next_.skeleton();
  const Approach& approach = next_.approach(index);
  known.resize(s.junctions.size());
  std::vector<int> order(s.junctions.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return approach.hops[a] < approach.hops[b]; });
  for (const int junction : order) {
    const Step& step = approach.steps[junction];
    if (step == kAtDoor || step == kNoWay) continue;
    for (const int link : next_.links(step)) {
      const Exit& exit = s.exits[s.head[link]];
      const base::Seconds rest = along(next_.chain(exit)) + known[exit.junction];
      known[junction] = std::max(known[junction], latencies_[link] + rest);
    }
  }
  return known;
}

base::Seconds GreatestLatency::along(std::span<const int> links) const {
  base::Seconds sum;
  for (const int link : links) sum += latencies_[link];
  return sum;
}

Spreader::Spreader(NextHops& next, std::vector<base::Bytes>& loads)
    : next_(next), loads_(loads), pending_of_vertex_(next.skeleton().exits.size(), -1) {}

bool Spreader::add(int vertex, const Destination& to, base::Bytes bytes) {
  return spread({vertex, false}, to, bytes);
}

// Link by link where the destination's own steps count, else over the fabric.
bool Spreader::spread(const Place& at, const Destination& to, base::Bytes bytes) {
  if (at.vertex == to.vertex) return true;
  if (!is_local(at, to, next_.skeleton())) return leave(at.vertex, to, bytes);
  std::vector<int> choices;
  next_.next_links(at.vertex, to, at.has_entered, choices);
  const base::Bytes part = bytes / static_cast<double>(choices.size());
  bool has_way = !choices.empty();
  for (const int link : choices) {
    loads_[link] += part;
    has_way = has_way && spread(after(at, link, next_.skeleton()), to, part);
  }
  return has_way;
}

bool Spreader::leave(int vertex, const Destination& to, base::Bytes bytes) {
  const Exit& exit = next_.skeleton().exits[vertex];
  if (exit.junction < 0 || to.approach < 0) return false;
  if (next_.approach(to.approach).steps[exit.junction] == kNoWay) return false;
  load(next_.chain(exit), bytes);
  pending(to).amounts[exit.junction] += bytes;
  if (to.doors.size() > 1) return true;
  if (to.down_count > 0) {
    load(next_.down(to), bytes);
    return true;
  }
  return spread({next_.skeleton().junctions[to.doors.front().junction], false}, to, bytes);
}

Spreader::Pending& Spreader::pending(const Destination& to) {
  const bool ends_at_door = to.doors.size() == 1;
  const auto approach = static_cast<std::size_t>(to.approach);
  if (pending_of_approach_.size() <= approach) pending_of_approach_.resize(approach + 1, -1);
  int& index = ends_at_door ? pending_of_approach_[approach] : pending_of_vertex_[to.vertex];
  if (index < 0) {
    index = static_cast<int>(pending_.size());
    pending_.push_back({to.approach, ends_at_door ? nullptr : &to, {}});
    pending_.back().amounts.resize(next_.skeleton().junctions.size());
  }
  return pending_[index];
}

void Spreader::finish() {
  std::vector<int> sequence(pending_.size());
  std::iota(sequence.begin(), sequence.end(), 0);
  std::stable_sort(sequence.begin(), sequence.end(),
                   [&](int a, int b) { return pending_[a].approach < pending_[b].approach; });
  int ordered = -1;
  std::vector<int> order(next_.skeleton().junctions.size());
  for (const int index : sequence) {
    Pending& pending = pending_[index];
    if (pending.approach != ordered) {
      ordered = pending.approach;
      const std::vector<int>& hops = next_.approach(ordered).hops;
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return hops[a] > hops[b]; });
    }
    drain(pending, order);
  }
}

// Farthest junctions first, so that all that comes to one is there when its turn comes.
void Spreader::drain(Pending& pending, const std::vector<int>& order) {
  const Skeleton& s = next_.skeleton();
  const Approach& approach = next_.approach(pending.approach);
  for (const int junction : order) {
    const base::Bytes amount = pending.amounts[junction];
    if (amount.value <= 0) continue;
    const Step& step = approach.steps[junction];
    if (step == kAtDoor) {
      if (pending.to == nullptr) continue;
      CHECK(spread({s.junctions[junction], false}, *pending.to, amount), "a door leads nowhere");
      continue;
    }
    const std::span<const int> links = next_.links(step);
    const base::Bytes part = amount / static_cast<double>(links.size());
    for (const int link : links) {
      const Exit& onwards = s.exits[s.head[link]];
      loads_[link] += part;
      load(next_.chain(onwards), part);
      pending.amounts[onwards.junction] += part;
    }
  }
}

void Spreader::load(std::span<const int> links, base::Bytes bytes) {
  for (const int link : links) loads_[link] += bytes;
}

}  // namespace moesim::topologies
