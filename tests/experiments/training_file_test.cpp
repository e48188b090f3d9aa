// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_file.h"

#include <gtest/gtest.h>

#include "base/data_directory.h"
#include "experiments/experiment.h"
#include "tests/base/thrown_error.h"
#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class TrainingFileTest : public moesim::testing::ScratchFiles {
 protected:
  // The points of a file with this text.
  std::vector<TrainingPoint> points_of(const std::string& text,
                                       const std::vector<std::string>& assignments = {}) const {
    return expand_training(read_document(write("t.json", text), assignments));
  }

  // Expects a complaint at this place in the file: "line:column  pointer".
  void expect_error(const std::string& text, const std::string& place, const std::string& what,
                    const std::string& hint) const {
    const base::Error error = base::thrown_error([&] { points_of(text); });
    EXPECT_EQ(error.where(), (folder_ / "t.json").string() + ":" + place);
    EXPECT_NE(error.message().find(what), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.what();
  }
};

// tiny: two layers of width 64, four experts, two of them for a token; the file's keys come last.
TEST_F(TrainingFileTest, ASizePresetFillsInWhatTheFileLeavesOut) {
  const std::vector<TrainingPoint> points =
      points_of(R"({"name": "t", "model": {"preset": "tiny", "hidden_size": 32},
                    "training": {"steps": 5}})");
  ASSERT_EQ(points.size(), 1U);
  const model::MoeGptConfig& model = points[0].file.model;
  EXPECT_EQ(model.num_hidden_layers, 2);
  EXPECT_EQ(model.hidden_size, 32);
  EXPECT_EQ(model.router.num_experts, 4);
  EXPECT_EQ(model.router.top_k, 2);
  EXPECT_EQ(points[0].file.training.steps, 5);
}

TEST_F(TrainingFileTest, TheTextLiesBesideTheFile) {
  const std::vector<TrainingPoint> points =
      points_of(R"({"name": "t", "model": {"preset": "tiny"}, "training": {}, "text": "a/b.txt"})");
  EXPECT_EQ(points[0].file.text, (folder_ / "a/b.txt").string());
}

TEST_F(TrainingFileTest, SweepsEveryCombination) {
  const std::vector<TrainingPoint> points = points_of(
      R"({"name": "t", "model": {"preset": "tiny"}, "training": {},
          "sweep": {"model.router.capacity_factor": [1, null], "training.seed": [1, 2, 3]}})");
  ASSERT_EQ(points.size(), 6U);
  EXPECT_EQ(points[0].label, "model.router.capacity_factor=1,training.seed=1");
  EXPECT_EQ(points[4].file.training.seed, 2U);
  EXPECT_FALSE(points[4].file.model.router.capacity_factor.has_value());
}

TEST_F(TrainingFileTest, SetComesAfterTheFile) {
  const auto points =
      points_of(R"({"name": "t", "model": {"preset": "tiny"}, "training": {"steps": 5}})",
                {"training.steps=7", "model.router.type=sinkhorn"});
  EXPECT_EQ(points[0].file.training.steps, 7);
  EXPECT_EQ(points[0].file.model.router.type, model::RouterType::sinkhorn);
}

TEST_F(TrainingFileTest, ASweptTextLiesBesideTheFile) {
  const auto points = points_of(
      R"({"name": "t", "model": {"preset": "tiny"}, "training": {},
          "sweep": {"text": ["a", "b"]}})");
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[1].file.text, (folder_ / "b").string());
}

// Values that only the preset has stand where the file names it.
TEST_F(TrainingFileTest, ErrorsNameTheirPlaceInTheFile) {
  const std::string begin = R"({"name": "t", "training": {}, "model": )";  // 39 bytes
  expect_error(begin + R"({"preset": "tyni"}})", "1:51", "unknown preset", "\"tiny\"");
  expect_error(begin + R"({"preset": "tiny", "hidden_size": 30}})",
               "1:51  /model/num_attention_heads", "4 heads do not divide hidden_size 30",
               "a divisor");
  expect_error(begin + R"({"preset": "tiny", "router": {"num_experts_per_tok": 5}}})",
               "1:93  /model/router/num_experts_per_tok", "5 of 4 experts", "num_experts");
  expect_error(R"({"name": "t", "model": {"preset": "tiny"}, "training": {"stepps": 1}})",
               "1:57  /training/stepps", "unknown key", "\"steps\"");
}

TEST_F(TrainingFileTest, AKeyUnderAnotherNameIsNamedAsWritten) {
  expect_error(
      R"({"name": "t", "model": {"preset": "tiny"},
"training": {"gradient_accumulation_steps": 3}})",
      "2:45  /training/gradient_accumulation_steps", "3 micro-batches do not divide 8", "divisor");
}

// What training itself finds at fault.
TEST_F(TrainingFileTest, ErrorsOfTrainingAreGivenTheirPlace) {
  const TrainingPoint point = points_of(R"({"name": "t", "model": {"preset": "tiny"},
"training": {"learning_rate": 9}, "text": "a.txt"})")
                                  .front();
  const std::string file = (folder_ / "t.json").string();
  EXPECT_EQ(placed_error(point, {"/training/learning_rate", "diverged"}).where(),
            file + ":2:31  /training/learning_rate");
  const base::Error absent = placed_error(point, {point.file.text, "there is none", "name one"});
  EXPECT_EQ(absent.where(), file + ":2:43  /text");
  EXPECT_EQ(absent.message(), point.file.text + ": there is none");
  EXPECT_EQ(placed_error(point, {"runs/t", "holds a run"}).where(), "runs/t");
}

TEST_F(TrainingFileTest, EveryFileThatShipsCanBeRead) {
  int files = 0;
  for (const auto& entry :
       fs::directory_iterator(base::data_directory() / "experiments/training")) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_FALSE(expand_training(read_document(entry.path(), {})).empty()) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 3);
}

}  // namespace
}  // namespace moesim::experiments
