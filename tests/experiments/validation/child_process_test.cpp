// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>

#include "base/error.h"

namespace moesim::experiments {
namespace {

TEST(ChildProcess, ItsNumberComesBack) {
  EXPECT_EQ(in_child_process([] { return 0.1; }), 0.1);
}

TEST(ChildProcess, ItIsAProcessOfItsOwn) {
  const auto mine = static_cast<double>(getpid());
  EXPECT_NE(in_child_process([] { return static_cast<double>(getpid()); }), mine);
}

TEST(ChildProcess, AUsersErrorStaysOne) {
  try {
    in_child_process([]() -> double { throw base::Error("here", "what", "so"); });
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "here");
    EXPECT_EQ(error.message(), "what");
    EXPECT_EQ(error.hint(), "so");
  }
}

TEST(ChildProcess, ADeathIsAnError) {
  EXPECT_THROW(in_child_process([]() -> double { _exit(3); }), std::runtime_error);
}

}  // namespace
}  // namespace moesim::experiments
