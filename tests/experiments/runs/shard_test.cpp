// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/shard.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

TEST(Shard, EveryPointIsInExactlyOne) {
  for (std::size_t index = 0; index < 10; ++index) {
    int shards = 0;
    for (const char* text : {"1/3", "2/3", "3/3"}) shards += parse_shard(text).has(index) ? 1 : 0;
    EXPECT_EQ(shards, 1) << index;
  }
  EXPECT_TRUE(parse_shard("2/3").has(4));  // the second third of 0, 1, 2, ... is 1, 4, 7, ...
}

TEST(Shard, IsWrittenAsItIsRead) {
  EXPECT_EQ(to_text(parse_shard("2/3")), "2/3");
  EXPECT_EQ(to_text(parse_shard("1/1")), "");
}

TEST(Shard, WhatIsNoPartIsAnError) {
  for (const char* text : {"", "0/3", "4/3", "1", "1/", "/3", "1/3x", "-1/3", "1/0", "a/b"}) {
    EXPECT_EQ(base::thrown_error([&] { parse_shard(text); }).where(), "--shard") << text;
  }
}

}  // namespace
}  // namespace moesim::experiments
