// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/fault_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/named_table.h"
#include "base/rng.h"
#include "topologies/link_override.h"

namespace moesim::sim {
namespace {

using base::Seconds;
using topologies::Cluster;
using topologies::VertexKind;

constexpr Seconds kForGood(std::numeric_limits<double>::infinity());
// Every moment at which something changes looks at all faults of the links that change.
constexpr double kMostDrawn = 10000;

// One target of an effect.
struct Target {
  std::string name;
  std::vector<int> links;  // that the effect is about
  int rank = -1;           // straggler
};

// One effect on one target for one time.
struct Spell {
  const FaultEffect* effect = nullptr;
  Target target;
  Seconds from;
  Seconds until;
};

// [candidates] what an effect of this kind can happen to, by name: links, vertices or nodes.
struct Candidate {
  std::string name;
  int index = 0;
};

bool is_about_links(FaultKind kind) {
  return kind == FaultKind::link_down || kind == FaultKind::degraded_bandwidth ||
         kind == FaultKind::added_latency;
}

bool can_happen_to(FaultKind kind, VertexKind vertex) {
  if (kind == FaultKind::nic_down) return vertex == VertexKind::nic;
  if (kind == FaultKind::straggler) return vertex == VertexKind::accelerator;
  return topologies::is_switch(vertex);
}

std::vector<Candidate> candidates(const Cluster& cluster, FaultKind kind) {
  std::vector<Candidate> found;
  if (is_about_links(kind)) {
    for (const topologies::Link& link : cluster.links) {
      found.push_back({link.name, static_cast<int>(found.size())});
    }
  } else if (kind == FaultKind::node_down) {
    for (int node = 0; node < cluster.num_nodes; ++node) {
      found.push_back({"node" + std::to_string(node), node});
    }
  } else {
    for (int v = 0; v < static_cast<int>(cluster.vertices.size()); ++v) {
      if (!can_happen_to(kind, cluster.vertices[v].kind)) continue;
      found.push_back({cluster.vertices[v].name, v});
    }
  }
  return found;
}

// Finds what effects name. The tables are as large as the cluster.
class Targets {
 public:
  explicit Targets(const Cluster& cluster);

  // One for each that matches; a cable that matches in both directions is one. Throws base::Error
  // where there is none.
  std::vector<Target> find(const FaultEffect& effect, const std::string& where) const;

 private:
  Target target_of(FaultKind kind, const Candidate& candidate) const;

  const Cluster& cluster_;
  std::vector<int> back_;                   // [link] the cable's other direction, or the link
  std::vector<std::vector<int>> links_at_;  // [vertex] that begin or end there, ascending
};

Targets::Targets(const Cluster& cluster) : cluster_(cluster) {
  // Of parallel cables, the links with the same place among theirs belong together.
  std::map<std::pair<int, int>, std::vector<int>> between;
  links_at_.resize(cluster.vertices.size());
  for (int l = 0; l < static_cast<int>(cluster.links.size()); ++l) {
    const topologies::Link& link = cluster.links[l];
    between[{link.from, link.to}].push_back(l);
    links_at_[link.from].push_back(l);
    links_at_[link.to].push_back(l);
  }
  back_.resize(cluster.links.size());
  std::iota(back_.begin(), back_.end(), 0);  // one-way links of imported graphs
  for (const auto& [ends, forth] : between) {
    const auto back = between.find({ends.second, ends.first});
    if (back == between.end()) continue;
    for (std::size_t i = 0; i < std::min(forth.size(), back->second.size()); ++i) {
      back_[forth[i]] = back->second[i];
    }
  }
}

Target Targets::target_of(FaultKind kind, const Candidate& candidate) const {
  Target target{candidate.name, {}};
  const int index = candidate.index;
  if (kind == FaultKind::straggler) {
    target.rank = cluster_.vertices[index].rank;
  } else if (is_about_links(kind)) {
    target.links.push_back(index);
    if (kind == FaultKind::link_down && back_[index] != index) {
      target.links.push_back(back_[index]);
    }
  } else if (kind == FaultKind::node_down) {
    for (int l = 0; l < static_cast<int>(cluster_.links.size()); ++l) {
      const topologies::Link& link = cluster_.links[l];
      if (cluster_.vertices[link.from].node == index || cluster_.vertices[link.to].node == index) {
        target.links.push_back(l);
      }
    }
  } else {
    target.links = links_at_[index];
  }
  return target;
}

std::vector<Target> Targets::find(const FaultEffect& effect, const std::string& where) const {
  std::vector<Target> found;
  std::vector<std::string> names;
  std::set<int> taken;  // links of cables that have matched
  for (const Candidate& candidate : candidates(cluster_, effect.kind)) {
    names.push_back(candidate.name);
    if (!topologies::matches(effect.target, candidate.name)) continue;
    if (effect.kind == FaultKind::link_down && taken.count(candidate.index) > 0) continue;
    found.push_back(target_of(effect.kind, candidate));
    if (effect.kind == FaultKind::link_down) {
      taken.insert(found.back().links.begin(), found.back().links.end());
    }
  }
  if (!found.empty()) return found;
  std::string hint = base::did_you_mean(effect.target, names);
  if (hint.empty() && names.empty()) hint = "the cluster has none";
  if (hint.empty()) {
    hint = "they are called as \"" + names.front() + "\" and \"" + names.back() + "\"";
  }
  throw base::Error(where + "/target",
                    "\"" + effect.target + "\" names nothing that " +
                        base::name_in_words(effect.kind) + " can happen to",
                    hint);
}

void require_few(double num_faults, const std::string& where) {
  if (num_faults <= kMostDrawn) return;
  throw base::Error(where, fmt::format("about {:.3g} faults, above {:.0f}", num_faults, kMostDrawn),
                    "raise mean_time_between, lower horizon, or name fewer targets");
}

void draw_spells(const RandomFaults& faults, const Target& target, std::vector<Spell>& spells) {
  base::Rng rng(faults.seed,
                "faults " + base::name_in_words(faults.effect.kind) + " " + target.name);
  Seconds now;
  while (true) {
    now += faults.mean_time_between * -std::log1p(-rng.uniform());
    if (now > faults.horizon) return;
    spells.push_back({&faults.effect, target, now, now + faults.duration});
    now += faults.duration;
  }
}

std::vector<Spell> all_spells(const FaultsConfig& faults, const Cluster& cluster) {
  std::vector<Spell> spells;
  if (faults.empty()) return spells;
  const Targets targets(cluster);
  for (std::size_t i = 0; i < faults.events.size(); ++i) {
    const Fault& fault = faults.events[i];
    const std::string where = "/faults/events/" + std::to_string(i);
    for (Target& target : targets.find(fault.effect, where)) {
      spells.push_back(
          {&fault.effect, std::move(target), fault.at, fault.until.value_or(kForGood)});
    }
  }
  for (std::size_t i = 0; i < faults.random.size(); ++i) {
    const std::string where = "/faults/random/" + std::to_string(i);
    const RandomFaults& random = faults.random[i];
    const std::vector<Target> found = targets.find(random.effect, where);
    require_few(static_cast<double>(found.size()) *
                    (random.horizon / (random.mean_time_between + random.duration)),
                where + "/horizon");
    for (const Target& target : found) draw_spells(random, target, spells);
  }
  return spells;
}

bool takes_down(FaultKind kind) {
  return kind == FaultKind::link_down || kind == FaultKind::nic_down ||
         kind == FaultKind::switch_down || kind == FaultKind::node_down;
}

// A link as the spells that hold it at a time make it.
topologies::LinkChange state_of(const Cluster& cluster, int link,
                                const std::vector<const Spell*>& spells, Seconds now) {
  topologies::LinkChange state{link, true, cluster.links[link].bandwidth,
                               cluster.links[link].latency};
  for (const Spell* spell : spells) {
    if (now < spell->from || spell->until <= now) continue;
    const FaultEffect& effect = *spell->effect;
    if (takes_down(effect.kind)) state.up = false;
    if (effect.kind == FaultKind::degraded_bandwidth) {
      state.bandwidth = state.bandwidth * effect.factor;
    }
    if (effect.kind == FaultKind::added_latency) state.latency += effect.latency;
  }
  return state;
}

// What begins and ends at one moment, in words.
std::string cause_of(const std::vector<std::pair<const Spell*, bool>>& happenings) {
  const auto& [spell, begins] = happenings.front();
  std::string cause = base::name_in_words(spell->effect->kind) + " of " + spell->target.name +
                      (begins ? "" : " ends");
  if (happenings.size() > 1) cause += " and " + std::to_string(happenings.size() - 1) + " more";
  return cause;
}

std::vector<ClusterChange> changes_of(const Cluster& cluster, const std::vector<Spell>& spells) {
  std::map<int, std::vector<const Spell*>> spells_of;  // by link
  std::map<double, std::vector<std::pair<const Spell*, bool>>> happenings;
  for (const Spell& spell : spells) {
    if (spell.target.links.empty() || spell.effect->kind == FaultKind::straggler) continue;
    for (const int link : spell.target.links) spells_of[link].push_back(&spell);
    happenings[spell.from.value].emplace_back(&spell, true);
    if (spell.until != kForGood) happenings[spell.until.value].emplace_back(&spell, false);
  }
  std::vector<ClusterChange> changes;
  for (const auto& [time, at_once] : happenings) {
    std::set<int> links;
    for (const auto& [spell, begins] : at_once) {
      links.insert(spell->target.links.begin(), spell->target.links.end());
    }
    ClusterChange change{Seconds(time), {}, cause_of(at_once)};
    for (const int link : links) {
      change.links.push_back(state_of(cluster, link, spells_of[link], change.at));
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

FaultPlan plan_faults(const FaultsConfig& faults, const topologies::Cluster& cluster) {
  FaultPlan plan;
  const std::vector<Spell> spells = all_spells(faults, cluster);
  plan.num_faults = static_cast<int>(spells.size());
  for (const Spell& spell : spells) {
    if (spell.effect->kind != FaultKind::straggler) continue;
    plan.speed.slow(spell.target.rank, spell.from, spell.until, spell.effect->factor);
  }
  plan.changes = changes_of(cluster, spells);
  return plan;
}

}  // namespace moesim::sim
