// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

TEST(ChildProcess, AnswersFromAProcessOfItsOwn) {
  const std::string long_answer = in_child_process([] { return std::string(300000, 'x'); });
  EXPECT_EQ(long_answer, std::string(300000, 'x'));
  EXPECT_NE(in_child_process([] { return std::to_string(getpid()); }), std::to_string(getpid()));
  EXPECT_EQ(in_child_process([] { return std::string(); }), "");
}

// 0.35 s are three tenths and a bit; a slow machine asks less often.
TEST(ChildProcess, WhoWaitsIsCalledUntilTheAnswerIsThere) {
  int calls = 0;
  const std::string answer = in_child_process(
      [] {
        usleep(350000);
        return std::string("done");
      },
      [&calls] { ++calls; });
  EXPECT_EQ(answer, "done");
  EXPECT_GE(calls, 1);
  EXPECT_LE(calls, 4);
}

TEST(ChildProcess, TheUsersErrorArrivesWhole) {
  const base::Error error = base::thrown_error([] {
    (void)in_child_process(
        []() -> std::string { throw base::Error("/a/b", "it is \"wrong\"", "do\nthat"); });
  });
  EXPECT_EQ(error.where(), "/a/b");
  EXPECT_EQ(error.message(), "it is \"wrong\"");
  EXPECT_EQ(error.hint(), "do\nthat");
}

TEST(ChildProcess, OtherFailuresSayWhatIsKnown) {
  const auto failure_of = [](std::string (*work)()) -> std::string {
    try {
      return in_child_process(work);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(failure_of([]() -> std::string { throw std::runtime_error("out of luck"); }),
            "out of luck");
  EXPECT_EQ(failure_of([]() -> std::string {
              raise(SIGKILL);
              return "";
            }),
            "the simulation was ended by signal Killed");
  EXPECT_EQ(failure_of([]() -> std::string { _exit(3); }), "the simulation ended without a word");
}

}  // namespace
}  // namespace moesim::experiments
