// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/fat_tree.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "topologies/builders/leaf_tier.h"
#include "topologies/builders/node.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

// NICs of the fullest leaf.
int most_nics_per_leaf(const ClusterConfig& config) {
  const int nodes_per_leaf = config.fabric.nodes_per_leaf;
  int most = 0;
  int on_leaf = 0;
  int index = 0;
  for (const NodeRun& run : runs_of(config)) {
    for (int i = 0; i < run.num_nodes; ++i) {
      if (index++ % nodes_per_leaf == 0) on_leaf = 0;
      on_leaf += count_nics(*run.node);
      most = std::max(most, on_leaf);
    }
  }
  return most;
}

// Those of a leaf that is full: of the fullest, or where nodes would fill none, of the nodes with
// the most.
int nics_of_full_leaf(const ClusterConfig& config) {
  if (count_nodes(config) >= config.fabric.nodes_per_leaf) return most_nics_per_leaf(config);
  int most = 0;
  for (const NodeRun& run : runs_of(config)) most = std::max(most, count_nics(*run.node));
  const std::int64_t nics = std::int64_t{most} * config.fabric.nodes_per_leaf;
  return static_cast<int>(std::min<std::int64_t>(nics, std::numeric_limits<int>::max()));
}

class FatTree {
 public:
  explicit FatTree(const ClusterConfig& config)
      : config_(config), tier_(size_leaf_tier(config, most_nics_per_leaf(config))) {
    const bool has_pods = config.fabric.tiers == 3;
    leaves_per_pod_ =
        has_pods ? std::min(config.fabric.leaves_per_pod, tier_.num_leaves) : tier_.num_leaves;
    num_pods_ = (tier_.num_leaves - 1) / leaves_per_pod_ + 1;
    if (tier_.num_leaves > 1) spines_per_pod_ = tier_.uplinks.count;
    core_uplinks_ = size_uplinks(leaves_per_pod_, config.fabric.core_oversubscription);
    if (num_pods_ > 1) cores_per_spine_ = core_uplinks_.count;
  }

  Cluster build() {
    add_switches();
    std::vector<MeanBandwidth> below(leaves_.size());
    add_nodes(cluster_, config_, [&](const PlacedNode& node) {
      const auto leaf = static_cast<std::size_t>(node.index / tier_.nodes_per_leaf);
      for (const int nic : node.nics) {
        add_nic_cable(cluster_, nic, leaves_[leaf], node.node);
        below[leaf].add(node.node.nic_bandwidth);
      }
    });
    add_leaf_uplinks(below);
    add_core_uplinks();
    return std::move(cluster_);
  }

 private:
  void add_switches() {
    for (int i = 0; i < tier_.num_leaves; ++i) {
      leaves_.push_back(add_fabric_switch(cluster_, "leaf" + std::to_string(i), 1));
    }
    for (int pod = 0; pod < num_pods_; ++pod) {
      const std::string prefix = num_pods_ > 1 ? "pod" + std::to_string(pod) + "/" : "";
      for (int i = 0; i < spines_per_pod_; ++i) {
        spines_.push_back(add_fabric_switch(cluster_, prefix + "spine" + std::to_string(i), 2));
      }
    }
    for (int i = 0; i < spines_per_pod_ * cores_per_spine_; ++i) {
      cores_.push_back(add_fabric_switch(cluster_, "core" + std::to_string(i), 3));
    }
    below_spine_.resize(spines_.size());
  }

  Cable cable(base::BytesPerSecond bandwidth) const {
    return {LinkKind::fabric, bandwidth, config_.fabric.switch_latency / 2};
  }

  void add_leaf_uplinks(const std::vector<MeanBandwidth>& below) {
    for (std::size_t leaf = 0; leaf < leaves_.size(); ++leaf) {
      const std::size_t pod = leaf / static_cast<std::size_t>(leaves_per_pod_);
      const base::BytesPerSecond bandwidth = tier_.uplinks.bandwidth(below[leaf].value());
      for (int i = 0; i < spines_per_pod_; ++i) {
        const std::size_t spine =
            pod * static_cast<std::size_t>(spines_per_pod_) + static_cast<std::size_t>(i);
        add_cable(cluster_, leaves_[leaf], spines_[spine], cable(bandwidth));
        below_spine_[spine].add(bandwidth);
      }
    }
  }

  void add_core_uplinks() {
    for (std::size_t spine = 0; spine < spines_.size() && !cores_.empty(); ++spine) {
      const std::size_t group = spine % static_cast<std::size_t>(spines_per_pod_);
      const auto cores = static_cast<std::size_t>(cores_per_spine_);
      const Cable uplink = cable(core_uplinks_.bandwidth(below_spine_[spine].value()));
      for (std::size_t i = 0; i < cores; ++i) {
        add_cable(cluster_, spines_[spine], cores_[group * cores + i], uplink);
      }
    }
  }

  const ClusterConfig& config_;
  LeafTier tier_;
  int leaves_per_pod_ = 0;
  int num_pods_ = 0;
  int spines_per_pod_ = 0;
  Uplinks core_uplinks_;
  int cores_per_spine_ = 0;
  Cluster cluster_;
  std::vector<int> leaves_;
  std::vector<int> spines_;  // pod by pod
  std::vector<int> cores_;   // group by group
  std::vector<MeanBandwidth> below_spine_;
};

}  // namespace

void check_fat_tree(const ClusterConfig& config) {
  const Fabric& fabric = config.fabric;
  check_leaves(config);
  const int nics = nics_of_full_leaf(config);
  check_oversubscription(fabric.oversubscription, nics, "oversubscription",
                         "leaves of " + std::to_string(nics) + " NICs");
  require(fabric.tiers == 2 || fabric.tiers == 3, "/cluster/fabric/tiers",
          "a fat tree of " + std::to_string(fabric.tiers) + " tiers", "use 2 or 3");
  if (fabric.tiers == 2) return;
  require(fabric.leaves_per_pod >= 1, "/cluster/fabric/leaves_per_pod", "a pod has at least 1 leaf",
          "set it to half the ports of a spine, as 32");
  check_oversubscription(fabric.core_oversubscription, fabric.leaves_per_pod,
                         "core_oversubscription",
                         "spines of " + std::to_string(fabric.leaves_per_pod) + " leaves");
}

Cluster build_fat_tree(const ClusterConfig& config) { return FatTree(config).build(); }

}  // namespace moesim::topologies
