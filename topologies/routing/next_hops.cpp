// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/next_hops.h"

#include <algorithm>
#include <utility>

namespace moesim::topologies {
namespace {

// Tables beyond this many bytes are dropped and made anew when needed.
constexpr std::size_t kApproachesLimit = std::size_t{1} << 30;

}  // namespace

const Destination::Local* Destination::local_at(int at) const {
  const auto found =
      std::lower_bound(locals.begin(), locals.end(), at,
                       [](const Local& local, int vertex_at) { return local.vertex < vertex_at; });
  return found != locals.end() && found->vertex == at ? &*found : nullptr;
}

bool Destination::decides_at(int at) const {
  const Local* local = local_at(at);
  return local != nullptr && local->step != kNoWay;
}

NextHops::NextHops(const Cluster& cluster, const Skeleton& skeleton)
    : cluster_(cluster),
      skeleton_(skeleton),
      num_links_(static_cast<int>(cluster.links.size())),
      destinations_(cluster.vertices.size()),
      known_lists_(skeleton.junctions.size()),
      hops_(cluster.vertices.size(), kNoHops) {
  list_arrivals();
}

void NextHops::list_arrivals() {
  const Skeleton& s = skeleton_;
  std::vector<std::pair<int, Arrival>> found;  // junction reached, how
  for (std::size_t j = 0; j < s.junctions.size(); ++j) {
    const int vertex = s.junctions[j];
    for (const int* l = s.out.begin(vertex); l != s.out.end(vertex); ++l) {
      if (!s.outward[*l]) continue;
      const Exit& exit = s.exits[s.head[*l]];
      found.push_back({exit.junction, {static_cast<int>(j), s.lengths[*l] + exit.count}});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  first_arrival_.assign(s.junctions.size() + 1, 0);
  for (const auto& [junction, arrival] : found) {
    ++first_arrival_[junction + 1];
    arrivals_.push_back(arrival);
  }
  for (std::size_t j = 0; j < s.junctions.size(); ++j) first_arrival_[j + 1] += first_arrival_[j];
}

const Destination& NextHops::make_destination(int vertex) {
  Destination& to = destinations_[vertex];
  to.vertex = vertex;
  to.domain = skeleton_.domain[vertex];
  if (skeleton_.core[vertex]) {
    to.doors = {{skeleton_.junction_of[vertex], 0}};
    set_approach(to);
    return to;
  }
  search_locally(to);
  set_approach(to);
  for (const int v : reached_) {
    if (v != vertex) add_local(v, hops_[v], to);
  }
  for (const Door& door : to.doors) add_door(door, to);
  for (const int v : reached_) hops_[v] = kNoHops;
  set_down(to);
  return to;
}

// Against the direction of links, from the destination to the doors.
void NextHops::search_locally(Destination& to) {
  const Skeleton& s = skeleton_;
  reached_ = {to.vertex};
  hops_[to.vertex] = 0;
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    const int v = reached_[i];
    if (v != to.vertex && !s.forwards[v]) continue;
    for (const int* l = s.in.begin(v); l != s.in.end(v); ++l) {
      const int from = cluster_.links[*l].from;
      if (s.entry[*l] || s.core[from]) {
        to.doors.push_back({s.junction_of[from], hops_[v] + 1});
      } else if (hops_[from] == kNoHops && (s.forwards[from] || v == to.vertex)) {
        hops_[from] = hops_[v] + 1;
        reached_.push_back(from);
      }
    }
  }
}

void NextHops::set_approach(Destination& to) {
  std::sort(to.doors.begin(), to.doors.end());
  const auto same = [](const Door& a, const Door& b) { return a.junction == b.junction; };
  to.doors.erase(std::unique(to.doors.begin(), to.doors.end(), same), to.doors.end());
  if (to.doors.empty()) return;
  to.base = to.doors.front().hops;
  for (const Door& door : to.doors) to.base = std::min(to.base, door.hops);
  std::vector<Door> doors = to.doors;
  for (Door& door : doors) door.hops -= to.base;
  to.approach = approach_to(doors);
}

void NextHops::add_local(int vertex, int hops, Destination& to) {
  Destination::Local local{vertex, hops, kNoWay, kNoWay};
  choice_.clear();
  for (const int* l = skeleton_.out.begin(vertex); l != skeleton_.out.end(vertex); ++l) {
    const int head = skeleton_.head[*l];
    const Destination::Local* next = to.local_at(head);
    const bool is_behind = next != nullptr && skeleton_.forwards[head] && next->hops + 1 == hops;
    if ((head == to.vertex || is_behind) && !skeleton_.entry[*l]) choice_.push_back(*l);
  }
  local.inside = keep();
  if (hops_outwards(skeleton_.exits[vertex], to) >= hops) {
    choose(vertex, hops, to);
    local.step = keep();
  }
  insert(local, to);
}

// Unless another door is nearer, so that the approach leads on to it.
void NextHops::add_door(const Door& door, Destination& to) {
  if (approach(to.approach).steps[door.junction] != kAtDoor) return;
  const int vertex = skeleton_.junctions[door.junction];
  Destination::Local local{vertex, kNoHops, kNoWay, kNoWay};
  if (const Destination::Local* known = to.local_at(vertex)) local = *known;
  if (local.hops < door.hops) return;
  choose(vertex, door.hops, to);
  local.step = keep();
  insert(local, to);
}

void NextHops::insert(const Destination::Local& local, Destination& to) {
  const auto place =
      std::lower_bound(to.locals.begin(), to.locals.end(), local.vertex,
                       [](const Destination::Local& known, int at) { return known.vertex < at; });
  if (place != to.locals.end() && place->vertex == local.vertex) {
    *place = local;
  } else {
    to.locals.insert(place, local);
  }
}

void NextHops::set_down(Destination& to) {
  if (to.doors.size() != 1) return;
  to.down_first = static_cast<int>(down_links_.size());
  bool has_entered = false;
  std::vector<int> links_there;
  for (int v = skeleton_.junctions[to.doors.front().junction]; v != to.vertex;) {
    next_links(v, to, has_entered, links_there);
    if (links_there.size() != 1) {
      down_links_.resize(static_cast<std::size_t>(to.down_first));
      return;
    }
    const int link = links_there.front();
    down_links_.push_back(link);
    has_entered = has_entered || skeleton_.entry[link];
    v = skeleton_.head[link];
  }
  to.down_count = static_cast<int>(down_links_.size()) - to.down_first;
}

int NextHops::approach_to(const std::vector<Door>& doors) {
  const auto [known, is_new] =
      approach_of_.try_emplace(doors, static_cast<int>(approach_doors_.size()));
  if (is_new) {
    approach_doors_.push_back(doors);
    approaches_.emplace_back();
  }
  return known->second;
}

const Approach& NextHops::make_approach(int index) {
  const std::size_t size = skeleton_.junctions.size() * (sizeof(Step) + sizeof(int));
  if (approaches_size_ + size > kApproachesLimit) {
    for (Approach& old : approaches_) old = {};
    approaches_size_ = 0;
  }
  approaches_size_ += size;
  const std::vector<Door>& doors = approach_doors_[index];
  Approach& made = approaches_[index];
  made.hops = search_junctions(doors);
  made.steps.assign(skeleton_.junctions.size(), kNoWay);
  for (const Door& door : doors) {
    if (made.hops[door.junction] == door.hops) made.steps[door.junction] = kAtDoor;
  }
  for (std::size_t j = 0; j < made.steps.size(); ++j) {
    if (made.steps[j] == kAtDoor || made.hops[j] == kNoHops) continue;
    choose_outwards(static_cast<int>(j), made.hops);
    made.steps[j] = keep_once(static_cast<int>(j));
  }
  return made;
}

// Backwards from the doors, nearest first: one list of junctions for each number of hops.
std::vector<int> NextHops::search_junctions(const std::vector<Door>& doors) const {
  std::vector<int> hops(skeleton_.junctions.size(), kNoHops);
  std::vector<std::vector<int>> at_hops;
  const auto reach = [&](int junction, int so_many) {
    if (so_many >= hops[junction]) return;
    hops[junction] = so_many;
    if (at_hops.size() <= static_cast<std::size_t>(so_many)) {
      at_hops.resize(static_cast<std::size_t>(so_many) + 1);
    }
    at_hops[so_many].push_back(junction);
  };
  for (const Door& door : doors) reach(door.junction, door.hops);
  for (std::size_t h = 0; h < at_hops.size(); ++h) {
    // Grows only at the back of later lists, since every link adds a hop.
    const std::vector<int> junctions = std::move(at_hops[h]);
    for (const int j : junctions) {
      if (hops[j] != static_cast<int>(h)) continue;
      for (int a = first_arrival_[j]; a < first_arrival_[j + 1]; ++a) {
        reach(arrivals_[a].from, hops[j] + arrivals_[a].hops);
      }
    }
  }
  return hops;
}

void NextHops::choose_outwards(int junction, const std::vector<int>& hops) {
  const Skeleton& s = skeleton_;
  const int vertex = s.junctions[junction];
  choice_.clear();
  for (const int* l = s.out.begin(vertex); l != s.out.end(vertex); ++l) {
    if (!s.outward[*l]) continue;
    const Exit& exit = s.exits[s.head[*l]];
    if (hops[exit.junction] + exit.count + s.lengths[*l] == hops[junction]) choice_.push_back(*l);
  }
  prefer_scale_up(vertex);
}

int NextHops::hops_outwards(const Exit& exit, const Destination& to) {
  if (to.approach < 0 || exit.junction < 0) return kNoHops;
  const int hops = approach(to.approach).hops[exit.junction];
  return hops == kNoHops ? kNoHops : to.base + hops + exit.count;
}

int NextHops::hops_over(int link, const Destination& to) {
  const int head = skeleton_.head[link];
  if (head == to.vertex) return 1;
  if (!skeleton_.forwards[head]) return kNoHops;
  int hops = kNoHops;
  const Destination::Local* local = to.local_at(head);
  if (local != nullptr && local->hops != kNoHops) hops = local->hops + 1;
  if (skeleton_.outward[link]) {
    const int onwards = hops_outwards(skeleton_.exits[head], to);
    hops = std::min(hops, onwards + skeleton_.lengths[link]);
  }
  return hops;
}

void NextHops::choose(int vertex, int hops, const Destination& to) {
  choice_.clear();
  for (const int* l = skeleton_.out.begin(vertex); l != skeleton_.out.end(vertex); ++l) {
    if (hops_over(*l, to) == hops) choice_.push_back(*l);
  }
  prefer_scale_up(vertex);
}

// Accelerators that share a PCIe switch or a NIC as well as the scale-up fabric use the latter.
void NextHops::prefer_scale_up(int vertex) {
  if (skeleton_.forwards[vertex]) return;
  const auto is_scale_up = [this](int l) { return cluster_.links[l].kind == LinkKind::scale_up; };
  if (std::none_of(choice_.begin(), choice_.end(), is_scale_up)) return;
  std::erase_if(choice_, [&](int l) { return !is_scale_up(l); });
}

void NextHops::next_links(int vertex, const Destination& to, bool has_entered,
                          std::vector<int>& links_there) {
  links_there.clear();
  const auto take = [&](const Step& step) {
    const std::span<const int> taken = links(step);
    links_there.assign(taken.begin(), taken.end());
  };
  const Destination::Local* local = to.local_at(vertex);
  if (local != nullptr && has_entered) return take(local->inside);
  if (local != nullptr && local->step != kNoWay) return take(local->step);
  if (!skeleton_.forwards[vertex] && skeleton_.domain[vertex] == to.domain) {
    int least = kNoHops;
    for (const int* l = skeleton_.out.begin(vertex); l != skeleton_.out.end(vertex); ++l) {
      least = std::min(least, hops_over(*l, to));
    }
    if (least >= kNoHops) return;
    choose(vertex, least, to);
    links_there = choice_;
    return;
  }
  const Exit& exit = skeleton_.exits[vertex];
  if (hops_outwards(exit, to) == kNoHops) return;
  if (exit.count > 0) {
    links_there.push_back(skeleton_.chains[exit.first]);
  } else {
    take(approach(to.approach).steps[exit.junction]);
  }
}

Step NextHops::keep() {
  if (choice_.size() == 1) return choice_.front();
  lists_.push_back({static_cast<int>(list_links_.size()), static_cast<int>(choice_.size())});
  list_links_.insert(list_links_.end(), choice_.begin(), choice_.end());
  return num_links_ + static_cast<int>(lists_.size()) - 1;
}

Step NextHops::keep_once(int junction) {
  if (choice_.size() == 1) return choice_.front();
  for (const Step known : known_lists_[junction]) {
    const std::span<const int> list = links(known);
    if (std::equal(list.begin(), list.end(), choice_.begin(), choice_.end())) return known;
  }
  known_lists_[junction].push_back(keep());
  return known_lists_[junction].back();
}

}  // namespace moesim::topologies
