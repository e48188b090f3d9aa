// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_run.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/json_value.h"
#include "model/checkpoint/checkpoint.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;
using moesim::testing::expect_same_state;
using moesim::testing::small_trained_model;
using moesim::testing::small_training;
using moesim::testing::words_text;

class TrainingRunFolder : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    run_.model = small_trained_model();
    run_.model.residual_dropout = 0.1;
    run_.training = small_training(12);
    run_.training.bf16_weights = true;
    run_.training.validation_every = 5;
    run_.training.checkpoint_every = 2;
  }

  TrainingOutcome train(const std::string& name, bool resume, std::function<bool()> stop = {}) {
    return run_training(run_, text_, {folder_ / name, 1, resume, {}, std::move(stop)});
  }
  // Trains in a process of its own that dies by SIGKILL right after step `last` was taken, or after
  // `delay`. Whether it was still alive then.
  bool train_and_kill(const std::string& name, int last, std::chrono::microseconds delay);

  TrainerState state_of(const std::string& name) const {
    return load_checkpoint(folder_ / name).state;
  }

  TrainingRunConfig run_;
  std::vector<std::uint8_t> text_ = words_text(600);
};

bool TrainingRunFolder::train_and_kill(const std::string& name, int last,
                                       std::chrono::microseconds delay) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    RunOptions options{folder_ / name, 2, true, {}, {}};
    options.progress = [&](const StepReport& report, std::optional<double>) {
      if (report.record.step == last) ::kill(::getpid(), SIGKILL);
    };
    try {
      run_training(run_, text_, options);
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  if (delay.count() > 0) {
    std::this_thread::sleep_for(delay);
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

TEST_F(TrainingRunFolder, WritesCurveConfigurationAndCheckpoints) {
  std::vector<int> validated;
  RunOptions options{folder_ / "run", 1, false, {}, {}};
  options.progress = [&](const StepReport& report, std::optional<double> validation_loss) {
    if (validation_loss.has_value()) validated.push_back(report.record.step);
  };
  const TrainingOutcome outcome = run_training(run_, text_, options);
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(validated, (std::vector<int>{5, 10, 12}));
  EXPECT_EQ(outcome.history.steps.size(), 12U);
  EXPECT_EQ(outcome.history.validations.size(), 3U);
  EXPECT_GT(outcome.unigram_bits_per_byte, outcome.bigram_bits_per_byte);
  EXPECT_FALSE(outcome.validation_routing.empty());
  EXPECT_EQ(state_of("run").history, outcome.history);
  const std::string curve = bytes_of_file(folder_ / "run" / "curve.csv");
  EXPECT_EQ(std::count(curve.begin(), curve.end(), '\n'), 13);
  TrainingRunConfig read;
  base::ReadReport report;
  read_json(base::read_json_file(folder_ / "run" / "config.json"), read, report);
  EXPECT_EQ(read, run_);
}

// Killed between steps, at several places in turn: weights, moments, masters and history end in the
// bits of a run that was left alone, and so does the curve.
TEST_F(TrainingRunFolder, KilledAtAStepItEndsInTheSameBits) {
  train("whole", false);
  for (const int last : {1, 4, 5, 9, 12}) train_and_kill("killed", last, {});
  EXPECT_TRUE(train("killed", true).finished);
  expect_same_state(state_of("whole"), state_of("killed"));
  for (const char* file : {"curve.csv", "config.json"}) {
    EXPECT_EQ(bytes_of_file(folder_ / "whole" / file), bytes_of_file(folder_ / "killed" / file));
  }
}

// Killed at any instant, mostly while a checkpoint is written: there is always one to go on from.
TEST_F(TrainingRunFolder, KilledAtAnyInstantItEndsInTheSameBits) {
  run_.training.checkpoint_every = 1;
  train("whole", false);
  base::Rng rng(1, "instants");
  int kills = 0;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const std::chrono::microseconds delay(1000 + static_cast<int>(rng.below(60'000)));
    kills += train_and_kill("killed", 0, delay) ? 1 : 0;
  }
  EXPECT_GT(kills, 0);
  EXPECT_TRUE(train("killed", true).finished);
  expect_same_state(state_of("whole"), state_of("killed"));
}

TEST_F(TrainingRunFolder, StoppedAndResumedItEndsInTheSameBits) {
  train("whole", false);
  int asked = 0;
  const TrainingOutcome first = train("stopped", false, [&] { return ++asked == 7; });
  EXPECT_FALSE(first.finished);
  EXPECT_EQ(state_of("stopped").step, 7);
  EXPECT_TRUE(train("stopped", true).finished);
  expect_same_state(state_of("whole"), state_of("stopped"));
}

TEST_F(TrainingRunFolder, AFinishedRunIsReadAgain) {
  const TrainingOutcome first = train("run", false);
  const TrainingOutcome again = train("run", true);
  EXPECT_TRUE(again.finished);
  EXPECT_EQ(again.history, first.history);
  EXPECT_EQ(again.validation_routing, first.validation_routing);
}

TEST_F(TrainingRunFolder, MoreStepsMayBeAsked) {
  train("run", false);
  run_.training.steps = 14;
  run_.training.recompute_activations = true;
  EXPECT_EQ(train("run", true).history.steps.size(), 14U);
}

// Step 7 is not one that is validated: a run that ends there validates after all, once.
TEST_F(TrainingRunFolder, ARunMayEndWhereItWasStopped) {
  int asked = 0;
  train("run", false, [&] { return ++asked == 7; });
  run_.training.steps = 6;
  expect_complaint([&] { train("run", true); },
                   {"/training/steps", "7 steps already", "at least 7"});
  run_.training.steps = 7;
  const TrainingOutcome outcome = train("run", true);
  EXPECT_TRUE(outcome.finished);
  ASSERT_EQ(outcome.history.validations.size(), 2U);
  EXPECT_EQ(outcome.history.validations.back().step, 7);
  EXPECT_EQ(train("run", true).history, outcome.history);
}

TEST_F(TrainingRunFolder, AnotherConfigurationIsAnError) {
  train("run", false);
  const std::string place = (folder_ / "run").string();
  expect_complaint([&] { train("run", false); }, {place, "holds a training run already", "resume"});
  TrainingRunConfig original = run_;
  run_.model.hidden_size = 32;
  expect_complaint([&] { train("run", true); },
                   {place + "  /model/hidden_size", "another hidden_size", "config.json"});
  run_ = original;
  run_.training.learning_rate = 1e-3;
  expect_complaint([&] { train("run", true); },
                   {place + "  /training/learning_rate", "another learning_rate", "config.json"});
  run_ = original;
  run_.text = "words.txt";
  text_.back() ^= 1;
  expect_complaint([&] { train("run", true); }, {place + "  /text", "another text", "config.json"});
}

// Without a text of one's own the program's is trained on, and another version has another.
TEST_F(TrainingRunFolder, AnotherOwnTextIsAnErrorThatSaysWhyAndWhatHelps) {
  train("run", false);
  text_.back() ^= 1;
  expect_complaint([&] { train("run", true); },
                   {(folder_ / "run").string() + "  /text", "the program's own text",
                    "(\"text\": ...) makes a run resumable"});
}

// Killed between the first checkpoint's rename and the file that names it.
TEST_F(TrainingRunFolder, WithoutLatestItGoesOnAndNeverFromTheStart) {
  train("whole", false);
  int asked = 0;
  train("stopped", false, [&] { return ++asked == 7; });
  fs::remove(folder_ / "stopped" / "checkpoints" / "latest");
  expect_complaint([&] { train("stopped", false); }, {"stopped", "holds a training run", "resume"});
  int steps = 0;
  RunOptions options{folder_ / "stopped", 1, true, {}, {}};
  options.progress = [&](const StepReport&, std::optional<double>) { ++steps; };
  run_training(run_, text_, options);
  EXPECT_EQ(steps, 5);
  expect_same_state(state_of("whole"), state_of("stopped"));
}

TEST_F(TrainingRunFolder, ItHasBegunWhenTheFolderIsThereAndNothingIsInTheWay) {
  std::vector<std::string> heard;
  RunOptions options{folder_ / "run", 1, false, {}, {}};
  options.begun = [&] { heard.emplace_back(fs::is_directory(options.folder) ? "begun" : "early"); };
  options.progress = [&](const StepReport&, std::optional<double>) { heard.emplace_back("step"); };
  run_training(run_, text_, options);
  ASSERT_EQ(heard.size(), 13U);
  EXPECT_EQ(heard[0], "begun");
  EXPECT_EQ(heard[1], "step");
  heard.clear();
  expect_complaint([&] { run_training(run_, text_, options); },
                   {"run", "holds a training run", "resume"});
  EXPECT_TRUE(heard.empty());
}

TEST_F(TrainingRunFolder, ADamagedCheckpointIsAnErrorThatNamesIt) {
  train("run", false);
  const fs::path weights = folder_ / "run" / "checkpoints" / "step_00000012" / "model.safetensors";
  fs::resize_file(weights, fs::file_size(weights) / 2);
  expect_complaint([&] { train("run", true); },
                   {weights.string(), "its sha256 differs", "an earlier checkpoint"});
}

TEST_F(TrainingRunFolder, AFolderThatCannotBeMadeIsAnError) {
  write("file", "x");
  expect_complaint([&] { train("file/run", false); },
                   {(folder_ / "file/run").string(), "cannot be made", "written to"});
}

}  // namespace
}  // namespace moesim::model
