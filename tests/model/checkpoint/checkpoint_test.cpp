// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/json_value.h"
#include "model/checkpoint/safetensors.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;
using moesim::testing::expect_same_state;
using moesim::testing::expect_same_weights;
using moesim::testing::small_trained_model;
using moesim::testing::small_training;
using moesim::testing::trained_state;

CheckpointSubject small_subject(bool bf16 = false) {
  CheckpointSubject subject{small_trained_model(), small_training(4), {1000, "0123"}};
  subject.training.bf16_weights = bf16;
  return subject;
}

TrainerState small_state(const CheckpointSubject& subject) {
  return trained_state(subject.model, subject.training, 2);
}

class CheckpointFiles : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    save_checkpoint(folder_, small_subject(), small_state(small_subject()));
    step_ = folder_ / "step_00000002";
  }

  void replace_in_manifest(const std::string& from, const std::string& to) const {
    std::string text = bytes_of_file(step_ / "checkpoint.json");
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    text.replace(place, from.size(), to);
    std::ofstream(step_ / "checkpoint.json", std::ios::trunc) << text;
  }
  void overwrite(const std::string& name, const std::string& bytes) const {
    std::ofstream(step_ / name, std::ios::trunc | std::ios::binary) << bytes;
  }
  void expect_refused(const std::string& where, const std::string& what,
                      const std::string& hint) const {
    expect_complaint([&] { load_checkpoint(folder_); }, {(step_ / where).string(), what, hint});
  }

  fs::path step_;
};

TEST_F(CheckpointFiles, EverythingComesBackBitForBit) {
  for (const bool bf16 : {false, true}) {
    const CheckpointSubject subject = small_subject(bf16);
    const TrainerState state = small_state(subject);
    save_checkpoint(folder_ / "own", subject, state);
    const Checkpoint checkpoint = load_checkpoint(folder_ / "own");
    EXPECT_EQ(checkpoint.subject.model, subject.model);
    EXPECT_EQ(checkpoint.subject.training, subject.training);
    EXPECT_EQ(checkpoint.subject.text, subject.text);
    expect_same_state(state, checkpoint.state);
  }
}

TEST_F(CheckpointFiles, SameStateGivesSameBytes) {
  save_checkpoint(folder_ / "again", small_subject(), small_state(small_subject()));
  for (const char* name :
       {"checkpoint.json", "model.safetensors", "optimizer.safetensors", "history.safetensors"}) {
    EXPECT_EQ(bytes_of_file(step_ / name),
              bytes_of_file(folder_ / "again" / "step_00000002" / name));
  }
}

TEST_F(CheckpointFiles, TheModelAloneNeedsNoOptimizer) {
  fs::remove(step_ / "optimizer.safetensors");
  fs::remove(step_ / "history.safetensors");
  const TrainedModel model = load_trained_model(folder_);
  EXPECT_EQ(model.manifest.step, 2);
  EXPECT_EQ(model.manifest.model, small_trained_model());
  expect_same_weights(model.weights, small_state(small_subject()).weights);
}

// The hash of the three letters "abc" is FIPS 180-4's example.
TEST_F(CheckpointFiles, ATextIsKnownByItsBytes) {
  const std::vector<std::uint8_t> text = {'a', 'b', 'c'};
  EXPECT_EQ(identify_text(text),
            (TextIdentity{3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}));
}

TEST_F(CheckpointFiles, MissingFilesAreErrors) {
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "history.safetensors"}) {
    fs::rename(step_ / name, step_ / "aside");
    expect_refused(name, "there is no such file", "an earlier checkpoint");
    fs::rename(step_ / "aside", step_ / name);
  }
  fs::remove(step_ / "checkpoint.json");
  expect_complaint([&] { load_checkpoint(folder_); },
                   {(folder_ / "latest").string(), "it has no checkpoint.json", "training run"});
}

TEST_F(CheckpointFiles, OneChangedBitIsAnError) {
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "history.safetensors"}) {
    const std::string whole = bytes_of_file(step_ / name);
    std::string damaged = whole;
    damaged[damaged.size() - 3] = static_cast<char>(damaged[damaged.size() - 3] ^ 4);
    overwrite(name, damaged);
    expect_refused(name, "its sha256 differs", "an earlier checkpoint");
    overwrite(name, whole);
  }
  EXPECT_NO_THROW(load_checkpoint(folder_));
}

TEST_F(CheckpointFiles, TruncatedFilesAreErrors) {
  const std::string whole = bytes_of_file(step_ / "optimizer.safetensors");
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, whole.size() / 2}) {
    overwrite("optimizer.safetensors", whole.substr(0, length));
    expect_refused("optimizer.safetensors", "its sha256 differs", "an earlier checkpoint");
  }
}

struct DamagedManifest {
  const char* name;
  const char* from;  // "": all of it
  const char* to;
  const char* where;
  const char* what;
  const char* hint;
};

class DamagedManifests : public CheckpointFiles,
                         public ::testing::WithParamInterface<DamagedManifest> {};

TEST_P(DamagedManifests, AreOneClearError) {
  const DamagedManifest& damage = GetParam();
  if (*damage.from == '\0') {
    overwrite("checkpoint.json", damage.to);
  } else {
    replace_in_manifest(damage.from, damage.to);
  }
  try {
    load_checkpoint(folder_);
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where().find((step_ / "checkpoint.json").string()), 0U) << error.what();
    EXPECT_NE(error.where().find(damage.where), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(damage.what), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find(damage.hint), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedManifests,
    ::testing::Values(
        DamagedManifest{"Empty", "", "", ":1:1", "the text is empty", "at least {}"},
        DamagedManifest{"Binary", "", "\x01\x02\x03", ":1:1", "", ""},
        DamagedManifest{"Foreign", "", "{\"model_type\": \"mixtral\"}", "",
                        "this is not a checkpoint of moesim", "a training run wrote"},
        DamagedManifest{"AList", "", "[1, 2]", "", "this is not a checkpoint of moesim",
                        "a training run wrote"},
        DamagedManifest{"Cut", "\n  \"text\": {", "\n  \"text\": ", "", "expected", ""},
        DamagedManifest{"LaterVersion", "\"format_version\": 1", "\"format_version\": 2",
                        "/format_version", "is not version 1", "program that wrote it"},
        DamagedManifest{"NoStep", "\"step\": 2", "\"stop\": 2", "/stop", "unknown key \"stop\"",
                        "did you mean \"step\"?"},
        DamagedManifest{"NegativeStep", "\"step\": 2", "\"step\": -2", "/step", "-2", ""},
        DamagedManifest{"StepIsAText", "\"step\": 2", "\"step\": \"2\"", "/step", "integer", ""},
        DamagedManifest{"UnknownModelKey", "\"hidden_size\"", "\"hiden_size\"", "/model/hiden_size",
                        "unknown key", "did you mean \"hidden_size\"?"},
        DamagedManifest{"HeadsDoNotDivide", "\"num_attention_heads\": 2",
                        "\"num_attention_heads\": 3", "/model/num_attention_heads", "do not divide",
                        "divisor"},
        DamagedManifest{"BatchDoesNotDivide", "\"micro_batches\": 1", "\"micro_batches\": 3",
                        "/training/micro_batches", "do not divide", "divisor"},
        DamagedManifest{"NoHash", "\"optimizer.safetensors\"", "\"optimiser.safetensors\"",
                        "/files", "no hash of optimizer.safetensors", "an earlier checkpoint"}),
    [](const auto& row) { return row.param.name; });

// The configuration says another model than the weights are.
TEST_F(CheckpointFiles, WeightsOfAnotherModelAreAnError) {
  replace_in_manifest("\"hidden_size\": 16", "\"hidden_size\": 32");
  expect_refused("model.safetensors", "fewer numbers than a model", "configuration");
  replace_in_manifest("\"hidden_size\": 32", "\"hidden_size\": 8");
  expect_refused("model.safetensors  tensor \"embedding.token\"",
                 "[256, 16], and [256, 8] is expected", "configuration");
}

// A checkpoint that claims less steps than its history has.
TEST_F(CheckpointFiles, AHistoryOfAnotherStepIsAnError) {
  replace_in_manifest("\"step\": 2", "\"step\": 1");
  expect_refused("history.safetensors  tensor \"step\"", "step 2 is not one of", "earlier");
}

// Whoever writes the hashes anew still gets the tensor's name.
TEST_F(CheckpointFiles, MomentsOfAnotherModelAreAnErrorAtTheirTensor) {
  CheckpointSubject subject = small_subject();
  TrainerState state = small_state(subject);
  state.optimizer.momentum[1](0, 0) = std::numeric_limits<float>::infinity();
  save_checkpoint(folder_, subject, state);
  expect_complaint([&] { load_checkpoint(folder_); },
                   {"optimizer.safetensors  tensor \"momentum.embedding.position\"",
                    "value 0 is infinite", "earlier"});
}

}  // namespace
}  // namespace moesim::model
