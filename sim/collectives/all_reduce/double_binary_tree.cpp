// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce/double_binary_tree.h"

#include <algorithm>

namespace moesim::sim {
namespace {

// In the tree whose in-order numbering is 1, 2, ... a member's height is that of its lowest set
// bit; 0 stands above them all. So odd members are leaves.
int parent_of(int member, int size) {
  if (member == 0) return -1;
  const int bit = member & -member;
  const int above = (member ^ bit) | (bit << 1);
  return above < size ? above : member ^ bit;
}

int depth_of(const std::vector<int>& parent) {
  int deepest = 0;
  for (int member = 0; member < static_cast<int>(parent.size()); ++member) {
    int hops = 0;
    for (int at = member; parent[at] >= 0; at = parent[at]) ++hops;
    deepest = std::max(deepest, hops);
  }
  return deepest;
}

}  // namespace

std::array<BinaryTree, 2> double_binary_tree(int size) {
  BinaryTree first{std::vector<int>(size), 0};
  BinaryTree second = first;
  for (int member = 0; member < size; ++member) first.parent[member] = parent_of(member, size);
  // Mirrored for even sizes, shifted by one for odd ones: leaves stand where the others have
  // children.
  const auto other = [size](int member) {
    return size % 2 == 0 ? size - 1 - member : (member + 1) % size;
  };
  for (int member = 0; member < size; ++member) {
    const int parent = first.parent[member];
    second.parent[other(member)] = parent < 0 ? -1 : other(parent);
  }
  first.depth = second.depth = depth_of(first.parent);
  return {first, second};
}

}  // namespace moesim::sim
