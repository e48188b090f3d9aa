// SPDX-License-Identifier: Apache-2.0
// The equally short next hops of every vertex towards every destination. Short is what has few
// hops, each counted by Skeleton::lengths.
//
// Destinations behind the same doors share one table: a door is a junction from which links lead to
// the destination past no other junction, as a leaf switch is the door of the accelerators whose
// NICs hang on it. The table ("approach") covers junctions only; what lies behind the doors, and
// the source's own domain, is looked up per destination.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "topologies/cluster.h"
#include "topologies/routing/skeleton.h"

namespace moesim::topologies {

struct Door {
  int junction = 0;
  int hops = 0;  // from there to the destination

  auto operator<=>(const Door&) const = default;
};

// What to do at a vertex: the index of the only link to take, or num_links + the index of a list of
// equally short ones, or one of the two below.
using Step = std::int32_t;
inline constexpr Step kNoWay = -1;
inline constexpr Step kAtDoor = -2;  // Destination::locals says what follows

inline constexpr int kNoHops = 1 << 30;

struct Approach {
  std::vector<Step> steps;  // [junctions]
  std::vector<int> hops;    // [junctions] beyond Destination::base, kNoHops where there is no way
};

// One vertex as the end of ways.
struct Destination {
  int vertex = -1;  // -1 until it is made
  int domain = kNoDomain;
  int approach = -1;  // -1: no door leads here
  // The links from the only door, none of them a choice; count 0 where there is a choice.
  int down_first = 0;
  int down_count = 0;
  int base = 0;             // hops from the nearest door
  std::vector<Door> doors;  // ascending by junction
  struct Local {
    int vertex = 0;
    int hops = kNoHops;    // without the fabric; kNoHops at doors outside
    Step step = kNoWay;    // kNoWay where the way over the fabric is shorter
    Step inside = kNoWay;  // once a link has led into the destination's node: on without the fabric
  };
  // Doors that are best entered, what lies behind them, and what reaches the destination locally;
  // ascending by vertex. Of accelerators only those with a link to it.
  std::vector<Local> locals;

  const Local* local_at(int at) const;  // null where there is none
  bool decides_at(int at) const;        // has a step there
};

class NextHops {
 public:
  // Keeps references to both.
  NextHops(const Cluster& cluster, const Skeleton& skeleton);

  // Made when first asked for; lasts as long as this.
  const Destination& towards(int vertex) {
    const Destination& known = destinations_[vertex];
    return known.vertex >= 0 ? known : make_destination(vertex);
  }

  // The table towards any of these doors, ascending by junction, the nearest of 0 hops.
  int approach_to(const std::vector<Door>& doors);

  // Lasts until another one is asked for.
  const Approach& approach(int index) {
    const Approach& known = approaches_[index];
    return known.steps.empty() ? make_approach(index) : known;
  }

  // The links that one may take by a step that is no kNoWay or kAtDoor, in link order. The span of
  // a single one is that of the argument.
  std::span<const int> links(const Step& step) const {
    if (step < num_links_) return {&step, 1};
    const List list = lists_[step - num_links_];
    return {list_links_.data() + list.first, static_cast<std::size_t>(list.count)};
  }

  // Leaves the equally short next hops of any vertex but the destination in `links`, in link order;
  // none where there is no way. Of an accelerator's, if any is a scale-up link, only those.
  // `has_entered`: whether the way has taken a link of Skeleton::entry.
  void next_links(int vertex, const Destination& to, bool has_entered, std::vector<int>& links);

  std::span<const int> chain(const Exit& exit) const {
    return {skeleton_.chains.data() + exit.first, static_cast<std::size_t>(exit.count)};
  }
  std::span<const int> down(const Destination& to) const {
    return {down_links_.data() + to.down_first, static_cast<std::size_t>(to.down_count)};
  }
  const Skeleton& skeleton() const { return skeleton_; }

 private:
  struct List {
    int first = 0;
    int count = 0;
  };
  struct Arrival {  // over one link outwards and what must follow it
    int from = 0;   // junction
    int hops = 0;
  };

  void list_arrivals();
  const Destination& make_destination(int vertex);
  void search_locally(Destination& to);
  void set_approach(Destination& to);
  void add_local(int vertex, int hops, Destination& to);
  void add_door(const Door& door, Destination& to);
  void insert(const Destination::Local& local, Destination& to);
  void set_down(Destination& to);
  const Approach& make_approach(int index);
  std::vector<int> search_junctions(const std::vector<Door>& doors) const;
  void choose_outwards(int junction, const std::vector<int>& hops);
  // Leaves in choice_ the links of a vertex that lie on ways of so many hops.
  void choose(int vertex, int hops, const Destination& to);
  void prefer_scale_up(int vertex);
  int hops_outwards(const Exit& exit, const Destination& to);
  int hops_over(int link, const Destination& to);
  Step keep();                   // choice_
  Step keep_once(int junction);  // choice_

  const Cluster& cluster_;
  const Skeleton& skeleton_;
  int num_links_ = 0;

  std::vector<Destination> destinations_;  // [vertices]
  std::vector<int> down_links_;

  std::map<std::vector<Door>, int> approach_of_;
  std::vector<std::vector<Door>> approach_doors_;
  std::vector<Approach> approaches_;
  std::size_t approaches_size_ = 0;  // bytes

  std::vector<int> first_arrival_;  // [junctions + 1]
  std::vector<Arrival> arrivals_;

  std::vector<List> lists_;
  std::vector<int> list_links_;
  std::vector<std::vector<Step>> known_lists_;  // [junctions]

  std::vector<int> hops_;     // [vertices] scratch of search_locally, kNoHops in between
  std::vector<int> reached_;  // scratch of search_locally
  std::vector<int> choice_;   // scratch
};

}  // namespace moesim::topologies
