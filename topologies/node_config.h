// SPDX-License-Identifier: Apache-2.0
// A server as an experiment describes it: accelerators, how they reach each other inside of it, and
// which network interfaces (NICs) they use.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"
#include "topologies/accelerator.h"

namespace moesim::topologies {

// As many as there may be ranks, see count_ranks().
inline constexpr int kMostNicsPerNode = 65536;

// How a node's accelerators are joined: all on one switch (NVSwitch), each to each other (Infinity
// Fabric of an MI300X), or not at all (they talk over PCIe and NICs).
enum class ScaleUp { one_switch, full_mesh, none };

struct Node {
  std::string preset;
  std::string name;
  Accelerator accelerator;  // {"preset": "h100_sxm5_80gb"} or the fields
  int accelerators_per_node = 0;
  ScaleUp scale_up = ScaleUp::one_switch;
  base::BytesPerSecond scale_up_bandwidth;  // one accelerator, one direction, all its links
  base::Seconds scale_up_latency;           // accelerator to accelerator, end to end
  std::optional<int> scale_up_domain;       // accelerators on one switch across neighbouring nodes
  bool in_switch_reduction = false;         // the scale-up switch adds up and copies
  std::optional<int> nics_per_node;         // default: accelerators_per_node
  std::vector<int> nic_of_accelerator;      // default: see nics_of_accelerators()
  int accelerators_per_pcie_switch = 0;     // 0: each its own cable to its NIC
  base::BytesPerSecond nic_bandwidth;       // one NIC, one direction
  base::Seconds nic_latency;                // accelerator to accelerator over one leaf switch
  base::BytesPerSecond pcie_bandwidth;      // accelerator to its NIC, one direction
  std::map<std::string, std::string> sources;
};

base::EnumNames<ScaleUp> names_of(ScaleUp);
void describe(base::FieldTable& table, Node& node);

int count_nics(const Node& node);

// Neighbouring nodes on one scale-up switch; 1 without scale_up_domain.
int nodes_per_domain(const Node& node);

// [accelerators_per_node] the NICs that each uses, ascending. As nic_of_accelerator says; else,
// with no more NICs than accelerators, accelerator i uses NIC i * nics / accelerators; with more
// NICs, NIC j serves accelerator j * accelerators / nics.
std::vector<std::vector<int>> nics_of_accelerators(const Node& node);

// Checks what single fields cannot. `where` is the node's JSON pointer, "/cluster/node". The count
// of accelerators is checked by count_ranks(). Throws base::Error.
void validate(const Node& node, const std::string& where);

}  // namespace moesim::topologies
