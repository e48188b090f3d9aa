// SPDX-License-Identifier: Apache-2.0
#include "sim/network/by_content.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;

// Numbers its answers, so that one worked out twice shows.
class Counting {
 public:
  int of(const Collective& collective) {
    return *known.of(collective, [this](const Collective&) { return ++worked_out_; });
  }

  ByContent<int> known;

 private:
  int worked_out_ = 0;
};

Collective example() {
  Collective collective = collective_of(2, {{0, 1, Bytes(1)}, {1, 0, Bytes(2)}});
  collective.rounds = {{1, Seconds(1e-6)}, {2, Seconds(1e-6)}};
  collective.protocol_latency = Seconds(5e-6);
  return collective;
}

// Who asks and what it is called is no content.
TEST(ByContent, EqualContentIsWorkedOutOnce) {
  Counting counting;
  Collective other = example();
  other.name = "another";
  other.ranks = {0, 1, 2};
  EXPECT_EQ(counting.of(example()), 1);
  EXPECT_EQ(counting.of(other), 1);
  EXPECT_EQ(counting.of(example()), 1);
  EXPECT_EQ(counting.known.repetition().collectives, 3);
  EXPECT_EQ(counting.known.repetition().worked_out, 1);
}

TEST(ByContent, EachOfAnotherContentIsWorkedOut) {
  Counting counting;
  std::vector<Collective> others(6, example());
  others[1].transfers[0].source = 2;
  others[2].transfers[0].bytes = Bytes(3);
  others[3].protocol_latency = Seconds(6e-6);
  others[4].rounds[0].latency = Seconds(2e-6);
  others[5].rounds = {};
  for (int repeat = 0; repeat < 2; ++repeat) {
    for (int i = 0; i < 6; ++i) EXPECT_EQ(counting.of(others[i]), i + 1);
  }
  EXPECT_EQ(counting.known.repetition().worked_out, 6);
}

TEST(ByContent, WhatIsForgottenIsWorkedOutAnewAndTheOldAnswerStaysValid) {
  Counting counting;
  const auto first = counting.known.of(example(), [](const Collective&) { return 7; });
  counting.known.forget();
  EXPECT_EQ(counting.of(example()), 1);
  EXPECT_EQ(*first, 7);
}

// Two of 1.5 million transfers do not fit into the 2 million that are remembered together: the
// second takes the first's place. One beyond all is remembered by nobody and drives nobody out.
TEST(ByContent, RemembersNoMoreThanItsRoom) {
  const std::size_t most = ByContent<int>::kMostTransfers;
  Collective first = collective_of(2, {});
  first.transfers.assign(most / 4 * 3, {0, 1, Bytes(1)});
  Collective second = first;
  second.transfers[0].bytes = Bytes(2);
  Counting counting;
  EXPECT_EQ(counting.of(first), 1);
  EXPECT_EQ(counting.of(second), 2);
  EXPECT_EQ(counting.of(second), 2);
  Collective beyond = first;
  beyond.transfers.resize(most + 1);
  EXPECT_EQ(counting.of(beyond), 3);
  EXPECT_EQ(counting.of(beyond), 4);
  EXPECT_EQ(counting.of(second), 2);
  EXPECT_EQ(counting.of(first), 5);
}

// FNV-1a over the words 2^32 + 2 (source and destination) and the bits of 1.0, 0x3ff0000000000000,
// worked out by a program of its own.
TEST(ByContent, TheHashIsFnv1aOverWords) {
  EXPECT_EQ(content_hash(collective_of(2, {})), 0xcbf29ce484222325ULL);
  EXPECT_EQ(content_hash(collective_of(3, {{1, 2, Bytes(1)}})), 0xaccc3730b4f1363fULL);
}

}  // namespace
}  // namespace moesim::sim
