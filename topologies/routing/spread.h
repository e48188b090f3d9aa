// SPDX-License-Identifier: Apache-2.0
// Sprayed messages: at every vertex the packets of a message spread evenly over the equally short
// next hops (Dixit et al., "On the impact of packet spraying in data center networks", 2013).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "base/units.h"
#include "topologies/routing/next_hops.h"

namespace moesim::topologies {

struct Way {
  std::vector<int> links;
  double share = 1;
};

// Where a way is: at a vertex, and whether a link of Skeleton::entry has led into its last node.
struct Place {
  int vertex = 0;
  bool has_entered = false;

  auto operator<=>(const Place&) const = default;
};

// All ways from a vertex to a destination, lowest links first; shares sum to 1. None where there is
// no way. Stops, unfinished, once it has `limit` ways.
std::vector<Way> list_ways(NextHops& next, int vertex, const Destination& to, std::size_t limit);

// The greatest sum of link latencies over the ways to each destination.
class GreatestLatency {
 public:
  // Keeps references to both. `latencies` has one entry per link.
  GreatestLatency(NextHops& next, const std::vector<base::Seconds>& latencies);

  // There must be a way.
  base::Seconds of(int vertex, const Destination& to);

 private:
  // From a vertex on, by the destination's steps.
  base::Seconds search(const Place& at, const Destination& to,
                       std::map<Place, base::Seconds>& known);
  bool have_equal_descents(const Destination& to);
  const std::vector<base::Seconds>& to_doors(int approach);
  base::Seconds along(std::span<const int> links) const;

  // Of one destination: whether all doors are as far from it, and how far.
  struct Descent {
    bool is_known = false;
    bool is_equal = false;
    base::Seconds latency;
  };

  NextHops& next_;
  const std::vector<base::Seconds>& latencies_;
  std::vector<std::vector<base::Seconds>> to_doors_;  // [approaches][junctions], made when needed
  std::vector<Descent> descents_;                     // [vertices]
};

// Adds up what sprayed messages put on links.
class Spreader {
 public:
  // Keeps references to both; `loads` has one entry per link, to which is added.
  Spreader(NextHops& next, std::vector<base::Bytes>& loads);

  // False where there is no way. Of a message over the fabric only the links near its ends are
  // loaded at once; the others are by finish(), approach after approach.
  bool add(int vertex, const Destination& to, base::Bytes bytes);
  void finish();

 private:
  // What still has to go from junctions to doors: of all destinations behind a single door
  // together, of other destinations each.
  struct Pending {
    int approach = -1;
    const Destination* to = nullptr;   // null: ends at the door
    std::vector<base::Bytes> amounts;  // [junctions]
  };

  Pending& pending(const Destination& to);
  bool spread(const Place& at, const Destination& to, base::Bytes bytes);
  bool leave(int vertex, const Destination& to, base::Bytes bytes);
  void drain(Pending& pending, const std::vector<int>& order);
  void load(std::span<const int> links, base::Bytes bytes);

  NextHops& next_;
  std::vector<base::Bytes>& loads_;
  std::vector<Pending> pending_;          // in the order of first use
  std::vector<int> pending_of_approach_;  // index into pending_ or -1
  std::vector<int> pending_of_vertex_;    // [vertices] likewise
};

}  // namespace moesim::topologies
