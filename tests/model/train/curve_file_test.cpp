// SPDX-License-Identifier: Apache-2.0
#include "model/train/curve_file.h"

#include <gtest/gtest.h>

#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;

class CurveFileTest : public moesim::testing::ScratchFiles {};

const std::string kHeader =
    "step,training_loss,balance_loss,grad_norm,learning_rate,tokens,validation_loss\n";

TEST_F(CurveFileTest, BeginsWithTheHistoryAndGrowsByRows) {
  TrainingHistory history;
  history.steps = {{1, 5.5, 0.25, 2, 0.001, 128}, {2, 5.25, 0.5, 1, 0.002, 128}};
  history.validations = {{2, 5}};
  CurveFile curve(folder_ / "curve.csv", history);
  curve.add({3, 4, 0, 1, 0.1, 128}, std::nullopt);
  curve.add({4, 3, 0, 1, 0.1, 128}, 3.5);
  EXPECT_EQ(bytes_of_file(folder_ / "curve.csv"), kHeader +
                                                      "1,5.5,0.25,2,0.001,128,\n"
                                                      "2,5.25,0.5,1,0.002,128,5\n"
                                                      "3,4,0,1,0.1,128,\n"
                                                      "4,3,0,1,0.1,128,3.5\n");
}

TEST_F(CurveFileTest, ReplacesAnOldFile) {
  write("curve.csv", "something else\n");
  const CurveFile curve(folder_ / "curve.csv", {});
  EXPECT_EQ(bytes_of_file(folder_ / "curve.csv"), kHeader);
}

TEST_F(CurveFileTest, AFileThatCannotBeWrittenIsAnError) {
  expect_complaint([&] { CurveFile(folder_ / "none" / "curve.csv", {}); },
                   {(folder_ / "none").string(), "cannot be written", "has room"});
}

}  // namespace
}  // namespace moesim::model
