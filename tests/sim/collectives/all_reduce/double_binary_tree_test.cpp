// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce/double_binary_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace moesim::sim {
namespace {

std::vector<int> children_of(const BinaryTree& tree) {
  std::vector<int> children(tree.parent.size(), 0);
  for (const int parent : tree.parent) {
    if (parent >= 0) ++children[parent];
  }
  return children;
}

// 0 above 4 above 2 and 6, odd members below; the other tree is its mirror image.
TEST(DoubleBinaryTree, OfEightByHand) {
  const auto trees = double_binary_tree(8);
  EXPECT_EQ(trees[0].parent, (std::vector<int>{-1, 2, 4, 2, 0, 6, 4, 6}));
  EXPECT_EQ(trees[1].parent, (std::vector<int>{1, 3, 1, 7, 5, 3, 5, -1}));
  EXPECT_EQ(trees[0].depth, 3);
}

// Every member hangs below the one root within ceil(log2 n) hops, none has more than two children,
// and with an even size none has children in both trees (with an odd one: at most one member).
TEST(DoubleBinaryTree, AnySizeIsTwoShallowTreesWithSeparateInsides) {
  for (int size = 2; size <= 260; ++size) {
    const auto trees = double_binary_tree(size);
    const int most_hops = static_cast<int>(std::bit_width(static_cast<unsigned>(size - 1)));
    for (const BinaryTree& tree : trees) {
      EXPECT_EQ(std::count(tree.parent.begin(), tree.parent.end(), -1), 1) << size;
      EXPECT_LE(tree.depth, most_hops) << size;
      const std::vector<int> children = children_of(tree);
      EXPECT_LE(*std::max_element(children.begin(), children.end()), 2) << size;
      for (int member = 0; member < size; ++member) {
        int hops = 0;
        for (int at = member; tree.parent[at] >= 0 && hops <= size; at = tree.parent[at]) ++hops;
        EXPECT_LE(hops, tree.depth) << size;
      }
    }
    const std::vector<int> first = children_of(trees[0]);
    const std::vector<int> second = children_of(trees[1]);
    int in_both = 0;
    for (int member = 0; member < size; ++member) {
      in_both += first[member] > 0 && second[member] > 0 ? 1 : 0;
    }
    EXPECT_LE(in_both, size % 2) << size;
  }
}

}  // namespace
}  // namespace moesim::sim
