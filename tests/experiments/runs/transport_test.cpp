// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/transport.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace moesim::experiments {
namespace {

TEST(Transport, ALaunchersEnvironmentSaysHowManyThereAre) {
  unsetenv("OMPI_COMM_WORLD_SIZE");
  unsetenv("PMI_SIZE");
  EXPECT_EQ(launched_processes(), 1);
  EXPECT_EQ(join_launched_processes(), nullptr);
  setenv("PMI_SIZE", "3", 1);
  EXPECT_EQ(launched_processes(), 3);
  setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
  EXPECT_EQ(launched_processes(), 4);
  setenv("OMPI_COMM_WORLD_SIZE", "nonsense", 1);
  EXPECT_EQ(launched_processes(), 1);
  unsetenv("OMPI_COMM_WORLD_SIZE");
  unsetenv("PMI_SIZE");
}

}  // namespace
}  // namespace moesim::experiments
