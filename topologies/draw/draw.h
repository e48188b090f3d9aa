// SPDX-License-Identifier: Apache-2.0
// A cluster as a picture in which its fabric is recognised: fat trees in tiers, torus and HyperX as
// a grid, dragonfly as groups on a circle, full meshes and rings as a circle; one node in detail;
// the bandwidths in a legend. Large clusters are cut short, and the picture says so.
#pragma once

#include <string>

#include "topologies/cluster.h"

namespace moesim::topologies {

enum class Layout { tiers, grid, groups, circle };

// What the graph looks like: several tiers or no cables within one are `tiers`; switches at {group,
// router} with cables that change both are `groups`; at {x, y, ...} `grid`; else `circle`.
Layout layout_of(const Cluster& cluster);

// SVG text. `title` stands on top.
std::string draw_svg(const Cluster& cluster, const std::string& title);

}  // namespace moesim::topologies
