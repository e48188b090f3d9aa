// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_plane.h"

#include <utility>

namespace moesim::topologies {

RailPlane::RailPlane(Cluster& cluster, const ClusterConfig& config, PlaneShape shape)
    : cluster_(cluster),
      config_(config),
      shape_(std::move(shape)),
      tier_(size_leaf_tier(config)),
      num_rails_(count_nics(*runs_of(config).front().node)) {
  const int num_leaves = tier_.num_leaves * num_rails_;
  for (int i = 0; i < num_leaves; ++i) {
    leaves_.push_back(add_fabric_switch(cluster_, shape_.prefix + "leaf" + std::to_string(i), 1,
                                        {shape_.plane.value_or(i % num_rails_)}));
  }
  below_.resize(leaves_.size());
  add_spines();
}

void RailPlane::add_spines() {
  spines_.resize(static_cast<std::size_t>(num_rails_));
  if (shape_.joins_rails) {
    std::vector<int> place;
    if (shape_.plane) place = {*shape_.plane};
    std::vector<int> spines;
    for (int i = 0; i < tier_.uplinks.count; ++i) {
      spines.push_back(
          add_fabric_switch(cluster_, shape_.prefix + "spine" + std::to_string(i), 2, place));
    }
    for (std::vector<int>& reached : spines_) reached = spines;
    return;
  }
  if (tier_.num_leaves == 1) return;
  for (int rail = 0; rail < num_rails_; ++rail) {
    const std::string prefix = shape_.prefix + "rail" + std::to_string(rail) + "/spine";
    for (int i = 0; i < tier_.uplinks.count; ++i) {
      spines_[static_cast<std::size_t>(rail)].push_back(
          add_fabric_switch(cluster_, prefix + std::to_string(i), 2, {rail}));
    }
  }
}

void RailPlane::join(const PlacedNode& node) {
  const int first_leaf = node.index / tier_.nodes_per_leaf * num_rails_;
  for (int rail = 0; rail < num_rails_; ++rail) {
    const auto leaf = static_cast<std::size_t>(first_leaf + rail);
    add_nic_cable(cluster_, node.nics[static_cast<std::size_t>(rail)], leaves_[leaf], node.node,
                  shape_.share);
    below_[leaf].add(node.node.nic_bandwidth);
  }
}

void RailPlane::add_uplinks() {
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const Cable uplink{LinkKind::fabric, tier_.uplinks.bandwidth(below_[i].value() * shape_.share),
                       config_.fabric.switch_latency / 2};
    for (const int spine : spines_[i % static_cast<std::size_t>(num_rails_)]) {
      add_cable(cluster_, leaves_[i], spine, uplink);
    }
  }
}

}  // namespace moesim::topologies
