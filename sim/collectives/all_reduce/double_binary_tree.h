// SPDX-License-Identifier: Apache-2.0
// Two binary trees over the same ranks, such that a rank with children in one has none in the
// other: the ports of both halves of a buffer are busy in both directions (Sanders, Speck and Träff
// 2009, "Two-tree algorithms for full bandwidth broadcast, reduction and scan").
#pragma once

#include <array>
#include <vector>

namespace moesim::sim {

struct BinaryTree {
  std::vector<int> parent;  // [members]; -1 at the root
  int depth = 0;            // hops from the root to the furthest member
};

// Trees over the members 0 .. size - 1, size >= 2, of depth at most ceil(log2(size)). No member has
// more than two children. With an odd size one member has one child in each tree; no other has
// children in both.
std::array<BinaryTree, 2> double_binary_tree(int size);

}  // namespace moesim::sim
