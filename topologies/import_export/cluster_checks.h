// SPDX-License-Identifier: Apache-2.0
// What every cluster must be, whoever made it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "topologies/cluster.h"

namespace moesim::topologies {

inline constexpr std::size_t kMaxVertices = 1'000'000;
inline constexpr std::size_t kMaxLinks = 4'000'000;
inline constexpr std::size_t kMaxAccelerators = 65'536;
inline constexpr std::size_t kMaxNameBytes = 200;

// Whether a vertex or link may be called so.
bool is_name(std::string_view name);

// Says where a vertex or a link comes from (file and line), for errors.
struct Origins {
  std::string file;
  std::function<std::string(std::size_t)> vertex;
  std::function<std::string(std::size_t)> link;
};

// Throws base::Error unless: sizes are within the limits above; names are unique, not empty and
// without control characters, quotes and backslashes; links join two different vertices with a
// bandwidth above 0 and a latency of at least 0, both finite; ranks number the accelerators, NICs
// name a rank or -1, switches none; every node 0 ... num_nodes - 1 holds an accelerator; reducers
// are switches, ascending; and every accelerator reaches every other over the links (through other
// accelerators too, which need RoutingOptions::rail_forwarding).
void check_cluster(const Cluster& cluster, const Origins& origins);

}  // namespace moesim::topologies
