// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all/schedule.h"

#include <gtest/gtest.h>

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Transfer;

const Group kGroup{{3, 5, 9}, {0, 0, 0}, {3, {0, 1, 2}}};

TEST(Schedule, PositionsBecomeRanksAndNothingIsNotSent) {
  Schedule schedule(kGroup);
  schedule.send(0, 2, Bytes(7));
  schedule.send(1, 2, Bytes(0));
  const Collective collective = schedule.take(false);
  EXPECT_EQ(collective.transfers, (std::vector<Transfer>{{3, 9, Bytes(7)}}));
  EXPECT_EQ(collective.ranks, kGroup.ranks);
  EXPECT_TRUE(collective.rounds.empty());
  EXPECT_TRUE(collective.messages.empty());
}

TEST(Schedule, ReversedRunsTheLastRoundFirst) {
  Schedule schedule(kGroup);
  schedule.send(0, 1, Bytes(1));
  schedule.send(1, 2, Bytes(2));
  schedule.end_round();
  schedule.end_round();  // without messages, so none
  schedule.send(2, 0, Bytes(3));
  schedule.end_round();
  const Collective collective = schedule.take(true);
  EXPECT_EQ(collective.transfers,
            (std::vector<Transfer>{{3, 9, Bytes(3)}, {5, 3, Bytes(1)}, {9, 5, Bytes(2)}}));
  EXPECT_EQ(collective.rounds, (std::vector<Round>{{1, {}}, {3, {}}}));
}

TEST(Schedule, CountsMessagesOnceOneTransferStandsForSeveral) {
  Schedule schedule(kGroup);
  schedule.send(0, 1, Bytes(1));
  schedule.send(0, 2, Bytes(20), 4);
  schedule.send(1, 2, Bytes(1));
  EXPECT_EQ(schedule.take(false).messages, (std::vector<std::int64_t>{1, 4, 1}));
}

TEST(Schedule, ReversesThePipelinesHopsToo) {
  Schedule schedule(kGroup);
  schedule.add_stage(0, 1, Bytes(5));
  EXPECT_EQ(schedule.take(true).pipeline, (std::vector<PipelineStage>{{{5, 3, Bytes(5)}, 1}}));
}

}  // namespace
}  // namespace moesim::sim
