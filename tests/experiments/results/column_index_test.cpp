// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/column_index.h"

#include <gtest/gtest.h>

namespace moesim::experiments {
namespace {

TEST(ColumnIndex, KnowsANameWhereverTheSearchStands) {
  ColumnIndex index({"a", "b", "c"});
  for (const char* order : {"abc", "cba", "bca"}) {
    index.start_row();
    for (const char* name = order; *name != '\0'; ++name) {
      EXPECT_EQ(index.find(std::string(1, *name)), static_cast<std::size_t>(*name - 'a')) << order;
    }
  }
  EXPECT_FALSE(index.find("d"));
}

TEST(ColumnIndex, ANewNameIsTheLastColumn) {
  ColumnIndex index({"a", "b"});
  EXPECT_EQ(index.find_or_add("c"), 2u);
  index.start_row();
  EXPECT_EQ(index.find_or_add("c"), 2u);
  EXPECT_EQ(index.find_or_add("a"), 0u);
  EXPECT_EQ(index.names(), (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace moesim::experiments
