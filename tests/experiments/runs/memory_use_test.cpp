// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/memory_use.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace moesim::experiments {
namespace {

// 64 MiB that are written to are resident; 60 leave room for what the program frees meanwhile.
TEST(MemoryUse, CountsWhatAProcessHasWrittenTo) {
  const base::Bytes before = resident_memory(getpid());
  const std::vector<char> written(64 << 20, 'x');
  EXPECT_GT(resident_memory(getpid()) - before, base::Bytes(60 << 20));
  EXPECT_EQ(written.back(), 'x');
}

TEST(MemoryUse, OfAProcessThatIsGoneIsNothing) { EXPECT_EQ(resident_memory(-1), base::Bytes(0)); }

TEST(MemoryUse, FindsTheKillsAmongTheKernelsCounters) {
  EXPECT_EQ(out_of_memory_kills_in("pgfault 12\noom_kill 8\nnuma_hit 3\n"), 8u);
  EXPECT_EQ(out_of_memory_kills_in("pgfault 12\n"), 0u);
}

}  // namespace
}  // namespace moesim::experiments
