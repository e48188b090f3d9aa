// SPDX-License-Identifier: Apache-2.0
// One shortest way, link by link, where a hash of the pair chooses among equally short next hops.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "topologies/routing/next_hops.h"

namespace moesim::topologies {

// The hash of one pair of endpoints.
class PairHash {
 public:
  explicit PairHash(std::uint64_t seed) : seed_(base::mix(seed)) {}

  void set(int source, int destination) {
    if (source != source_) {
      source_ = source;
      source_hash_ = base::mix(seed_ + static_cast<std::uint64_t>(source));
    }
    pair_ = base::mix(source_hash_ + static_cast<std::uint64_t>(destination));
  }

  // A number in [0, count) for the choice at a vertex.
  std::size_t choose(int vertex, std::size_t count) const {
    const std::uint64_t hash = base::mix(pair_ + static_cast<std::uint64_t>(vertex));
    // The same remainder, without the division, for powers of 2.
    return (count & (count - 1)) == 0 ? hash & (count - 1) : hash % count;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t pair_ = 0;
  std::uint64_t source_hash_ = 0;
  int source_ = -1;
};

class Follower {
 public:
  Follower(NextHops& next, PairHash& hash) : next_(next), hash_(hash) {}

  // Calls visit(link) for every link from `vertex` to the destination. False where there is no way;
  // some links may have been visited by then.
  template <class Visit>
  bool follow(int vertex, const Destination& to, Visit visit) {
    const Skeleton& s = next_.skeleton();
    if (s.domain[vertex] == to.domain && to.domain != kNoDomain) {
      return follow_links(vertex, to, visit);
    }
    const Exit& exit = s.exits[vertex];
    if (exit.junction < 0 || to.approach < 0) return false;
    for (const int link : next_.chain(exit)) visit(link);
    const int door = climb(next_.approach(to.approach), exit.junction, visit);
    return door >= 0 && descend(door, to, visit);
  }

  // From a junction to the first door of the approach, which it returns; -1 where there is none.
  template <class Visit>
  int climb(const Approach& approach, int junction, Visit visit) {
    const Skeleton& s = next_.skeleton();
    for (;;) {
      const Step& step = approach.steps[junction];
      if (step == kAtDoor) return junction;
      if (step == kNoWay) return -1;
      const int link = pick(s.junctions[junction], step);
      visit(link);
      const Exit& onwards = s.exits[s.head[link]];
      for (const int forced : next_.chain(onwards)) visit(forced);
      junction = onwards.junction;
    }
  }

  // From a door to the destination.
  template <class Visit>
  bool descend(int door, const Destination& to, Visit visit) {
    if (to.down_count == 0) return follow_links(next_.skeleton().junctions[door], to, visit);
    for (const int link : next_.down(to)) visit(link);
    return true;
  }

 private:
  int pick(int vertex, const Step& step) {
    const std::span<const int> links = next_.links(step);
    return links.size() == 1 ? links[0] : links[hash_.choose(vertex, links.size())];
  }

  template <class Visit>
  bool follow_links(int vertex, const Destination& to, Visit visit) {
    const Skeleton& s = next_.skeleton();
    bool has_entered = false;
    while (vertex != to.vertex) {
      next_.next_links(vertex, to, has_entered, links_);
      if (links_.empty()) return false;
      const int link = links_[links_.size() == 1 ? 0 : hash_.choose(vertex, links_.size())];
      visit(link);
      has_entered = has_entered || s.entry[link];
      vertex = s.head[link];
    }
    return true;
  }

  NextHops& next_;
  PairHash& hash_;
  std::vector<int> links_;  // scratch
};

}  // namespace moesim::topologies
