// SPDX-License-Identifier: Apache-2.0
#include "topologies/node_config.h"

#include <algorithm>

#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

std::string counted(int number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

void describe_scale_up(base::FieldTable& table, Node& node) {
  const bool joined = node.scale_up != ScaleUp::none;
  const bool switched = node.scale_up == ScaleUp::one_switch;
  table.field(
      "scale_up", node.scale_up,
      "How accelerators of a node are joined: all on one switch (NVSwitch), full_mesh (each "
      "to each other), or none (over PCIe and NICs alone).");
  table
      .field("scale_up_bandwidth", node.scale_up_bandwidth,
             "One accelerator's links to the others of its node (NVLink) together, one direction; "
             "a full mesh divides it evenly among them.")
      .required()
      .above(0)
      .used_when(joined, "scale_up is not none");
  table
      .field("scale_up_latency", node.scale_up_latency,
             "Accelerator to accelerator inside the node, end to end.")
      .required()
      .at_least(0)
      .used_when(joined, "scale_up is not none");
  table
      .field("scale_up_domain", node.scale_up_domain,
             "Accelerators on one scale-up switch that spans neighbouring nodes, as the 72 of an "
             "NVL72 rack; null: those of one node.")
      .at_least(1)
      .used_when(switched, "scale_up is switch");
  table
      .field("in_switch_reduction", node.in_switch_reduction,
             "The scale-up switch adds up and copies what crosses it (NVLink SHARP).")
      .used_when(switched, "scale_up is switch");
}

void describe_nics(base::FieldTable& table, Node& node) {
  table.field("nics_per_node", node.nics_per_node, "NICs of a node; null: one per accelerator.")
      .at_least(1);
  table
      .field("nic_of_accelerator", node.nic_of_accelerator,
             "The NIC that each accelerator uses, from 0; empty: accelerator i uses NIC i x nics / "
             "accelerators, or its equal share of the NICs where there are more of them.")
      .at_least(0);
  table
      .field("accelerators_per_pcie_switch", node.accelerators_per_pcie_switch,
             "Accelerators that share a PCIe switch with their NICs, any of which each can use; 0: "
             "each has its own cable to its NIC.")
      .at_least(0);
  table.field("nic_bandwidth", node.nic_bandwidth, "One NIC, one direction.").required().above(0);
  table
      .field("nic_latency", node.nic_latency,
             "Accelerator to accelerator of another node over one switch, end to end.")
      .required()
      .at_least(0);
  table
      .field("pcie_bandwidth", node.pcie_bandwidth,
             "Accelerator to its NIC or PCIe switch, and switch to NIC, one direction.")
      .required()
      .above(0);
}

void check_domain(const Node& node, const std::string& where) {
  if (!node.scale_up_domain) return;
  require(node.scale_up == ScaleUp::one_switch, where + "/scale_up_domain",
          "only a switch spans several nodes", "set scale_up to switch, or leave it out");
  const int per_node = node.accelerators_per_node;
  const int below = std::max(*node.scale_up_domain / per_node, 1) * per_node;
  const std::string nearest = std::to_string(below) + " or " + std::to_string(below + per_node);
  require(*node.scale_up_domain >= 1 && *node.scale_up_domain % per_node == 0,
          where + "/scale_up_domain",
          counted(*node.scale_up_domain, "accelerator") + " are no multiple of a node's " +
              std::to_string(per_node),
          "use " + nearest);
}

void check_nic_list(const Node& node, const std::string& where) {
  if (node.nic_of_accelerator.empty()) return;
  const std::string key = where + "/nic_of_accelerator";
  const int nics = count_nics(node);
  require(static_cast<int>(node.nic_of_accelerator.size()) == node.accelerators_per_node, key,
          counted(static_cast<int>(node.nic_of_accelerator.size()), "entry") + " for " +
              counted(node.accelerators_per_node, "accelerator"),
          "one NIC per accelerator");
  std::vector<bool> serves(static_cast<std::size_t>(nics), false);
  for (const int nic : node.nic_of_accelerator) {
    require(nic >= 0 && nic < nics, key, "there is no NIC " + std::to_string(nic),
            "NICs are 0 to " + std::to_string(nics - 1));
    serves[static_cast<std::size_t>(nic)] = true;
  }
  for (int nic = 0; nic < nics; ++nic) {
    require(serves[static_cast<std::size_t>(nic)], key,
            "NIC " + std::to_string(nic) + " serves no accelerator",
            "name every NIC at least once, or lower nics_per_node");
  }
}

// A NIC hangs on one PCIe switch, so all that use it are of one group.
void check_pcie_switches(const Node& node, const std::string& where) {
  const int group = node.accelerators_per_pcie_switch;
  const std::string key = where + "/accelerators_per_pcie_switch";
  require(group >= 0, key, "a switch has no " + std::to_string(group) + " accelerators",
          "0 for none");
  if (group == 0) return;
  std::vector<int> switch_of_nic(static_cast<std::size_t>(count_nics(node)), -1);
  const std::vector<std::vector<int>> nics = nics_of_accelerators(node);
  for (int i = 0; i < node.accelerators_per_node; ++i) {
    for (const int nic : nics[static_cast<std::size_t>(i)]) {
      int& its_switch = switch_of_nic[static_cast<std::size_t>(nic)];
      require(its_switch < 0 || its_switch == i / group, key,
              "NIC " + std::to_string(nic) + " serves accelerators of two PCIe switches",
              "let the accelerators of a switch share NICs among themselves alone");
      its_switch = i / group;
    }
  }
}

}  // namespace

base::EnumNames<ScaleUp> names_of(ScaleUp) {
  return {
      {ScaleUp::one_switch, "switch"}, {ScaleUp::full_mesh, "full_mesh"}, {ScaleUp::none, "none"}};
}

void describe(base::FieldTable& table, Node& node) {
  table.title("node", "A server: accelerators, the links among them, and their NICs.");
  table.field("preset", node.preset,
              "A file in topologies/presets/nodes; the other keys replace its values.");
  table.field("name", node.name, "What reports call it.");
  table.field("accelerator", node.accelerator, "The accelerator, all alike in a node.").required();
  table.field("accelerators_per_node", node.accelerators_per_node, "Accelerators of a node.")
      .required()
      .at_least(1);
  describe_scale_up(table, node);
  describe_nics(table, node);
  table.field("sources", node.sources, "Where each number comes from, by key.");
}

int count_nics(const Node& node) { return node.nics_per_node.value_or(node.accelerators_per_node); }

int nodes_per_domain(const Node& node) {
  if (!node.scale_up_domain) return 1;
  return *node.scale_up_domain / node.accelerators_per_node;
}

std::vector<std::vector<int>> nics_of_accelerators(const Node& node) {
  const std::int64_t accelerators = node.accelerators_per_node;
  const std::int64_t nics = count_nics(node);
  std::vector<std::vector<int>> used(static_cast<std::size_t>(accelerators));
  if (nics > accelerators && node.nic_of_accelerator.empty()) {
    for (std::int64_t nic = 0; nic < nics; ++nic) {
      used[static_cast<std::size_t>(nic * accelerators / nics)].push_back(static_cast<int>(nic));
    }
    return used;
  }
  for (std::int64_t i = 0; i < accelerators; ++i) {
    const auto place = static_cast<std::size_t>(i);
    used[place].push_back(node.nic_of_accelerator.empty()
                              ? static_cast<int>(i * nics / accelerators)
                              : node.nic_of_accelerator[place]);
  }
  return used;
}

void validate(const Node& node, const std::string& where) {
  if (node.scale_up != ScaleUp::none) {
    require_bandwidth(node.scale_up_bandwidth, where + "/scale_up_bandwidth");
    require_latency(node.scale_up_latency, where + "/scale_up_latency");
  }
  require_bandwidth(node.nic_bandwidth, where + "/nic_bandwidth");
  require_bandwidth(node.pcie_bandwidth, where + "/pcie_bandwidth");
  require_latency(node.nic_latency, where + "/nic_latency");
  const int nics = count_nics(node);
  require(nics >= 1 && nics <= kMostNicsPerNode, where + "/nics_per_node",
          counted(nics, "NIC") + " in a node", "use 1 to " + std::to_string(kMostNicsPerNode));
  require(!node.in_switch_reduction || node.scale_up == ScaleUp::one_switch,
          where + "/in_switch_reduction", "there is no scale-up switch to reduce in",
          "set scale_up to switch, or leave it out");
  check_domain(node, where);
  check_nic_list(node, where);
  check_pcie_switches(node, where);
  validate(node.accelerator, where + "/accelerator");
}

}  // namespace moesim::topologies
