// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/experiments/plots/count_words.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/support/words_text.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;

// Two MoE layers of four experts; a step takes a millisecond.
class TrainingRunner : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    const std::vector<std::uint8_t> words = moesim::testing::words_text(400);
    write("words.txt", std::string(words.begin(), words.end()));
  }

  std::vector<TrainingPoint> points(const std::string& model = {}, const std::string& more = {}) {
    const std::string text =
        R"({"name": "small", "text": "words.txt", "training": {"steps": 40, "batch_size": 4},)"
        R"( "model": {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2,)"
        R"( "seq_length": 16)";
    const std::string experts =
        R"("moe_intermediate_size": 8, "router": {"num_experts": 4, "num_experts_per_tok": 2})";
    return expand_training(
        base::parse_json(text + ", " + (model.empty() ? experts : model) + "}\n" + more + "}",
                         (folder_ / "small.json").string()));
  }

  TrainingRunnerOptions options(const std::string& name) const {
    TrainingRunnerOptions options;
    options.folder = folder_ / name;
    return options;
  }

  std::set<std::string> files_of(const std::string& name) const {
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder_ / name)) {
      files.insert(entry.path().filename().string());
    }
    return files;
  }
};

TEST_F(TrainingRunner, WritesFiguresAndPicturesBesideTheRun) {
  ASSERT_TRUE(train_point(points(), 0, options("run")).has_value());
  EXPECT_EQ(files_of("run"),
            (std::set<std::string>{"checkpoints", "config.json", "curve.csv", "expert_load.svg",
                                   "load_balancing.txt", "load_over_time.svg", "loss.svg",
                                   "provenance.json", "result.json"}));
  EXPECT_EQ(count_words(bytes_of_file(folder_ / "run" / "expert_load.svg"), "<title>layer 1, "), 4);
  EXPECT_EQ(count_words(bytes_of_file(folder_ / "run" / "load_over_time.svg"), "<polyline"), 2);
}

// 40 / 20 = 2 steps make the training loss; bits are nats / ln 2. Capacity 0.5 has slots for half
// of the pairs (4 x 16 x 2 / 4 x 0.5 = 16 of an expert's 32 on average), so half are turned away at
// least.
TEST_F(TrainingRunner, TheFiguresFitTogether) {
  std::vector<double> losses;
  TrainingRunnerOptions dropless = options("dropless");
  dropless.progress = [&](const TrainingPoint&, const model::StepRecord& step,
                          std::optional<double>) { losses.push_back(step.loss); };
  const TrainingResult result = train_point(points(), 0, dropless).value();
  ASSERT_EQ(losses.size(), 40U);
  EXPECT_EQ(result.steps, 40);
  EXPECT_DOUBLE_EQ(result.training_loss, (losses[38] + losses[39]) / 2);
  EXPECT_DOUBLE_EQ(result.validation_bits_per_byte, result.validation_loss / std::log(2.0));
  EXPECT_LT(result.validation_loss, losses.front());
  EXPECT_LT(result.bigram_bits_per_byte, result.unigram_bits_per_byte);
  EXPECT_EQ(result.drop_rate, 0);
  EXPECT_GE(result.max_over_mean_load, 1);
  EXPECT_LE(result.max_over_mean_load, 2);  // half of all pairs: every token's one choice
  EXPECT_LT(result.active_parameters, result.parameters);

  const auto tight =
      points(R"("moe_intermediate_size": 8, "router": {"num_experts": 4, "num_experts_per_tok": 2,)"
             R"( "capacity_factor": 0.5})");
  const double drop_rate = train_point(tight, 0, options("tight")).value().drop_rate;
  EXPECT_GE(drop_rate, 0.5);
  EXPECT_LT(drop_rate, 1);
}

TEST_F(TrainingRunner, ADenseModelHasNoExpertsToShow) {
  const auto dense = points(R"("use_moe": false, "intermediate_size": 16)");
  const TrainingResult result = train_point(dense, 0, options("dense")).value();
  EXPECT_EQ(result.drop_rate, 0);
  EXPECT_EQ(result.max_over_mean_load, 1);
  EXPECT_EQ(result.active_parameters, result.parameters);
  EXPECT_EQ(files_of("dense").count("expert_load.svg"), 0U);
  EXPECT_EQ(files_of("dense").count("loss.svg"), 1U);
}

// Stopped after 17 of 40 steps. What computes is the processor; the record says another.
TEST_F(TrainingRunner, ARunGoesOnInItsOwnArithmeticOnly) {
  TrainingRunnerOptions run = options("run");
  int asked = 0;
  run.stop = [&] { return ++asked == 17; };
  run.backend = {"cuda:bf16", {"cuda:bf16 (H200)"}};
  EXPECT_FALSE(train_point(points(), 0, run).has_value());
  const std::string provenance = bytes_of_file(folder_ / "run" / "provenance.json");
  EXPECT_NE(provenance.find("\"arithmetic\": \"cuda:bf16\""), std::string::npos) << provenance;
  run.stop = {};
  run.resume = true;
  run.backend = {};
  expect_complaint([&] { train_point(points(), 0, run); },
                   {(folder_ / "run").string(),
                    "begun in the arithmetic of cuda:bf16, and this would be the processor's",
                    "go on with --backend cuda:bf16, or train in another folder"});
  EXPECT_EQ(bytes_of_file(folder_ / "run" / "provenance.json"), provenance);
}

TEST_F(TrainingRunner, TheBackendsOfARunsStretchesAreNamed) {
  TrainingRunnerOptions run = options("run");
  int asked = 0;
  run.stop = [&] { return ++asked == 17; };
  EXPECT_FALSE(train_point(points(), 0, run).has_value());
  run.stop = {};
  run.resume = true;
  run.backend.backends = {"cuda (H200)"};
  EXPECT_TRUE(train_point(points(), 0, run).has_value());
  const base::JsonValue provenance = base::read_json_file(folder_ / "run" / "provenance.json");
  EXPECT_EQ(backend_record_in(provenance).backends,
            (std::vector<std::string>{"cpu", "cuda (H200)"}));
}

// So it is with the checkpoints of an edited model, and where a run was killed before its first.
TEST_F(TrainingRunner, WithoutARecordOrACheckpointAnyArithmeticMayBegin) {
  TrainingRunnerOptions run = options("run");
  EXPECT_TRUE(train_point(points(), 0, run).has_value());
  run.resume = true;
  run.backend = {"cuda:bf16", {"cuda:bf16 (H200)"}};
  fs::remove(folder_ / "run" / "provenance.json");
  EXPECT_TRUE(train_point(points(), 0, run).has_value());
  fs::remove_all(folder_ / "run" / "checkpoints");
  run.backend = {};
  EXPECT_TRUE(train_point(points(), 0, run).has_value());
  const base::JsonValue provenance = base::read_json_file(folder_ / "run" / "provenance.json");
  EXPECT_EQ(backend_record_in(provenance).backends, std::vector<std::string>{"cpu"});
}

TEST_F(TrainingRunner, StoppedAndResumedItEndsInTheSameBytes) {
  train_point(points(), 0, options("whole"));
  TrainingRunnerOptions stopped = options("stopped");
  int asked = 0;
  stopped.stop = [&] { return ++asked == 17; };
  EXPECT_FALSE(train_point(points(), 0, stopped).has_value());
  EXPECT_EQ(files_of("stopped").count("result.json"), 0U);
  stopped.stop = {};
  stopped.resume = true;
  stopped.threads = 2;
  EXPECT_TRUE(train_point(points(), 0, stopped).has_value());
  for (const std::string& name : files_of("whole")) {
    if (name == "checkpoints") continue;
    EXPECT_EQ(bytes_of_file(folder_ / "whole" / name), bytes_of_file(folder_ / "stopped" / name))
        << name;
  }
}

TEST_F(TrainingRunner, ASweepHasAFolderAPointAndAComparison) {
  const auto sweep = points({}, R"(, "sweep": {"model.router.capacity_factor": [0.5, null],)"
                                R"( "training.seed": [1, 2]})");
  ASSERT_EQ(sweep.size(), 4U);
  std::vector<TrainingResult> results;
  for (std::size_t i = 0; i < sweep.size(); ++i) {
    results.push_back(train_point(sweep, i, options("sweep")).value());
  }
  EXPECT_EQ(files_of("sweep"),
            (std::set<std::string>{"0000-model.router.capacity_factor=0.5,training.seed=1",
                                   "0001-model.router.capacity_factor=0.5,training.seed=2",
                                   "0002-model.router.capacity_factor=null,training.seed=1",
                                   "0003-model.router.capacity_factor=null,training.seed=2"}));
  const std::string summary = training_summary(results);
  EXPECT_EQ(count_words(summary, "\n"), 2 + 4);
  EXPECT_EQ(count_words(summary, "model.router.capacity_factor=null"), 2);
  // A line for each seed over the two capacity factors.
  const std::string svg = training_comparison_svg(sweep, results);
  EXPECT_EQ(count_words(svg, "<polyline"), 2);
  EXPECT_EQ(count_words(svg, ">seed 2<"), 1);
  EXPECT_EQ(count_words(svg, ">0.5<") + count_words(svg, ">null<"), 2);
}

TEST_F(TrainingRunner, ErrorsStandInTheTrainingFileAndLeaveNothing) {
  const std::string file = (folder_ / "small.json").string();
  const auto train = [&] { train_point(points(), 0, options("run")); };
  write("words.txt", "too short");
  expect_complaint(train, {file + ":1:27  /text", "the text has 9 bytes", "a longer text"});
  fs::remove(folder_ / "words.txt");
  expect_complaint(train, {file + ":1:27  /text", "there is no such path", "a readable text file"});
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

// Two passes over two MoE layers (blocks 1 and 2), layers innermost: layer 1 chooses expert 0 three
// times of four, layer 2 both alike.
TEST(UsageOf, PassesAreAddedLayerByLayer) {
  model::MoeGptConfig config;
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  const model::RoutingBatch uneven{2, 1, 2, {0, 0}, {1, 1}, {}};
  const model::RoutingBatch even{2, 1, 2, {0, 1}, {1, 1}, {}};
  const model::ExpertUsage usage = usage_of(config, {uneven, even, even, even});
  ASSERT_EQ(usage.num_layers(), 2);
  EXPECT_EQ(usage.total(0).chosen, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(usage.total(1).chosen, (std::vector<std::int64_t>{2, 2}));
  const std::string svg = expert_load_svg("load", config, usage);
  EXPECT_NE(svg.find("layer 1, expert 0: 1.500"), std::string::npos);
  EXPECT_NE(svg.find("layer 1, expert 1: 0.500"), std::string::npos);
  EXPECT_NE(svg.find("layer 2, expert 0: 1.000"), std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
