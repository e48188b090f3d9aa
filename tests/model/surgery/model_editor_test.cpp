// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/model_editor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/safetensors.h"
#include "model/parameter_account.h"
#include "model/train/text_parts.h"
#include "model/train/training_run.h"
#include "model/trained_gpt.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::expect_complaint;
using moesim::testing::words_text;

constexpr int kSteps = 40;

// Two MoE layers of eight experts, top-2, hidden 16, experts of 8 units.
TrainingRunConfig small_run() {
  TrainingRunConfig run{"", moesim::testing::small_trained_model(),
                        moesim::testing::small_training(kSteps)};
  run.model.router.capacity_factor.reset();
  run.training.batch_size = 8;
  return run;
}

class ModelEditorFolder : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    write("text.txt", std::string(text_.begin(), text_.end()));
    train(small_run(), "run");
  }

  TrainingOutcome train(const TrainingRunConfig& run, const std::string& folder) const {
    return run_training(run, text_, {folder_ / folder, 1, true, {}, {}});
  }

  ModelEditor editor(const std::string& folder = "run", int threads = 1) const {
    return {folder_ / folder, folder_ / "text.txt", threads};
  }

  // Saves the edited model and trains on; the validation loss afterwards.
  double train_on(const ModelEditor& edited, int more_steps = kSteps) const {
    edited.save(folder_ / "edited" / "checkpoints");
    TrainingRunConfig run{"", edited.config(), edited.training()};
    run.training.steps = edited.steps() + more_steps;
    return train(run, "edited").history.validations.back().loss;
  }

  std::vector<std::uint8_t> text_ = words_text(800);
};

// A router of width 16 adds 16 numbers for an expert, an expert 3 x 8 x 16 = 384: 400 in each
// layer.
TEST_F(ModelEditorFolder, APrunedModelIsSmallerAndTrainsOn) {
  ModelEditor edited = editor();
  EXPECT_TRUE(edited.was_trained_on_text());
  const ModelFigures before = edited.figures();
  EXPECT_EQ(before.experts, 8);
  EXPECT_EQ(before.moe_layers, 2);
  edited.prune(4);
  const ModelFigures after = edited.figures();
  EXPECT_EQ(after.experts, 4);
  EXPECT_EQ(after.moe_layers, 2);
  EXPECT_EQ(after.parameters, before.parameters - 2 * 4 * 400);
  EXPECT_LT(train_on(edited), after.loss);
}

// The experts that are kept are those that the routing of the training part names most often.
TEST_F(ModelEditorFolder, PruningKeepsTheMostUsedOfEachLayer) {
  const TrainedGpt gpt(folder_ / "run", 1);
  const TextParts parts = cut_text(text_, small_run().training.validation_fraction);
  const TextJudgement judgement = gpt.judge(parts.training, 64);
  ModelEditor edited = editor();
  edited.prune(2);
  edited.save(folder_ / "edited");
  const TrainedModel before = load_trained_model(folder_ / "run");
  const TrainedModel after = load_trained_model(folder_ / "edited");
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::vector<int> count(8, 0);
    for (std::size_t i = layer; i < judgement.routing.size(); i += 2) {
      for (const std::int32_t expert : judgement.routing[i].experts) ++count[expert];
    }
    std::vector<int> order{0, 1, 2, 3, 4, 5, 6, 7};
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return count[a] > count[b]; });
    order.resize(2);
    std::sort(order.begin(), order.end());
    for (int e = 0; e < 2; ++e) {
      EXPECT_EQ(after.weights.blocks[layer].moe.router.gate.row(e),
                before.weights.blocks[layer].moe.router.gate.row(order[e]));
    }
  }
}

TEST_F(ModelEditorFolder, CopiesAreAddedAndTheModelTrainsOn) {
  ModelEditor edited = editor();
  const ModelFigures before = edited.figures();
  edited.add_copies(3);
  const ModelFigures after = edited.figures();
  EXPECT_EQ(after.experts, 11);
  EXPECT_EQ(after.parameters, before.parameters + 2 * 3 * 400);
  EXPECT_LT(train_on(edited), before.loss);
}

TEST_F(ModelEditorFolder, NamedExpertsAreRemovedAndTheModelTrainsOn) {
  ModelEditor edited = editor();
  edited.remove(std::vector<int>{0, 5});
  const ModelFigures after = edited.figures();
  EXPECT_EQ(after.experts, 6);
  EXPECT_LT(train_on(edited), after.loss);
}

// A token passes 2 experts of 8 units, so the dense part has 16: 3 x 16 x 16 = 768 numbers for the
// MoE layer's 8 x 400.
TEST_F(ModelEditorFolder, ADistilledLayerIsDenseNearItsTeacherAndTrainsOn) {
  ModelEditor edited = editor();
  const ModelFigures before = edited.figures();
  const DistilledLayer distilled = edited.distill(200);
  EXPECT_EQ(distilled.layer, 0);
  EXPECT_LT(distilled.error, 0.3);
  const ModelFigures after = edited.figures();
  EXPECT_EQ(after.moe_layers, 1);
  EXPECT_EQ(after.parameters, before.parameters - 8 * 400 + 768);
  EXPECT_LT(after.loss, before.loss + 0.3);
  EXPECT_LT(train_on(edited), before.loss);
}

TEST_F(ModelEditorFolder, TheLastLayerToBeDistilledLeavesADenseModel) {
  ModelEditor edited = editor();
  edited.distill(20);
  EXPECT_EQ(edited.distill(20).layer, 1);
  EXPECT_EQ(edited.figures().moe_layers, 0);
  EXPECT_EQ(edited.figures().experts, 0);
  expect_complaint([&] { edited.distill(20); }, {"--distill", "no MoE layer", "with experts"});
  expect_complaint([&] { edited.prune(2); }, {"--prune", "no MoE layer", "with experts"});
  EXPECT_LT(train_on(edited), 6);
}

// What the optimizer remembers of the other parts stays; with bf16 the masters do.
TEST_F(ModelEditorFolder, DistillationKeepsTheMemoryOfTheOtherParts) {
  TrainingRunConfig run = small_run();
  run.training.bf16_weights = true;
  train(run, "bf16");
  ModelEditor edited = editor("bf16");
  edited.distill(5);
  edited.save(folder_ / "edited");
  Checkpoint before = load_checkpoint(folder_ / "bf16");
  Checkpoint after = load_checkpoint(folder_ / "edited");
  const auto old_list = parameters(before.state.weights);
  const auto new_list = parameters(after.state.weights);
  int kept = 0;
  for (std::size_t i = 0; i < new_list.size(); ++i) {
    const OptimizerState& now = after.state.optimizer;
    if (new_list[i].name.starts_with("blocks.0.dense.")) {
      EXPECT_EQ(now.momentum[i].norm(), 0) << new_list[i].name;
      EXPECT_NE(now.masters[i], *new_list[i].matrix) << "rounded, and its master is not";
      continue;
    }
    const auto old = std::find_if(old_list.begin(), old_list.end(), [&](const auto& parameter) {
      return parameter.name == new_list[i].name;
    });
    ASSERT_NE(old, old_list.end()) << new_list[i].name;
    const auto at = static_cast<std::size_t>(old - old_list.begin());
    EXPECT_EQ(now.momentum[i], before.state.optimizer.momentum[at]) << new_list[i].name;
    EXPECT_EQ(now.variance[i], before.state.optimizer.variance[at]) << new_list[i].name;
    EXPECT_EQ(now.masters[i], before.state.optimizer.masters[at]) << new_list[i].name;
    EXPECT_EQ(*new_list[i].matrix, *old->matrix) << new_list[i].name;
    ++kept;
  }
  EXPECT_GT(kept, 10);
  EXPECT_EQ(after.state.step, kSteps);
}

// Rates 0 to 7 in layer 1; experts 0 and 5 go.
TEST_F(ModelEditorFolder, LearningRatesOfExpertsFollowThem) {
  TrainingRunConfig run = small_run();
  run.training.steps = 5;
  run.training.expert_learning_rates = {{}, {0, 1, 2, 3, 4, 5, 6, 7}};
  train(run, "rates");
  ModelEditor edited = editor("rates");
  edited.remove(std::vector<int>{0, 5});
  const std::vector<std::vector<double>> expected{{}, {1, 2, 3, 4, 6, 7}};
  EXPECT_EQ(edited.training().expert_learning_rates, expected);
  train_on(edited, 5);
}

// Top-2 experts of one group; copies stand in their group: 4 + 1 and 4 + 1.
TEST_F(ModelEditorFolder, CopiesStayInTheirGroups) {
  TrainingRunConfig run = small_run();
  run.training.steps = 5;
  run.model.router.type = RouterType::group_limited;
  run.model.router.n_group = 2;
  run.model.router.topk_group = 1;
  train(run, "groups");
  ModelEditor edited = editor("groups");
  expect_complaint([&] { edited.add_copies(3); },
                   {"--add", "in 2 groups", "multiple of the groups"});
  edited.add_copies(2);
  EXPECT_EQ(edited.figures().experts, 10);
  edited.save(folder_ / "edited");
  const TrainedModel model = load_trained_model(folder_ / "edited");
  const auto& gate = model.weights.blocks[0].moe.router.gate;
  // The copy is nearest to one of its own group's rows.
  const auto distance = [&](int a, int b) { return (gate.row(a) - gate.row(b)).norm(); };
  for (const int copy : {4, 9}) {
    float nearest = 1e9F;
    for (int e = copy - 4; e < copy; ++e) nearest = std::min(nearest, distance(copy, e));
    EXPECT_GT(nearest, 0) << copy;
    EXPECT_LT(nearest, 0.05F * gate.row(copy).norm()) << copy;
  }
}

TEST_F(ModelEditorFolder, TheNumberOfThreadsChangesNothing) {
  ModelEditor one = editor();
  ModelEditor two = editor("run", 2);
  one.distill(5);
  two.distill(5);
  one.save(folder_ / "one");
  two.save(folder_ / "two");
  const TrainedModel a = load_trained_model(folder_ / "one");
  const TrainedModel b = load_trained_model(folder_ / "two");
  moesim::testing::expect_same_weights(a.weights, b.weights);
}

TEST_F(ModelEditorFolder, EditsThatCannotBeNameTheirFlagAndChangeNothing) {
  ModelEditor edited = editor();
  expect_complaint([&] { edited.prune(0); }, {"--prune", "cannot keep 0", "number of experts"});
  expect_complaint([&] { edited.prune(9); }, {"--prune", "cannot keep 9", "number of experts"});
  expect_complaint([&] { edited.prune(1); }, {"--prune", "2 of 1", ""});
  expect_complaint([&] { edited.add_copies(0); }, {"--add", "cannot have 0", "number of experts"});
  expect_complaint([&] { edited.add_copies(9); }, {"--add", "cannot have 9", "number of experts"});
  expect_complaint([&] { edited.remove(std::vector<int>{8}); },
                   {"--remove", "no expert 8", "0 to 7"});
  expect_complaint(
      [&] {
        edited.remove(std::vector<int>{0, 1, 2, 3, 4, 5, 6});
      },
      {"--remove", "2 of 1", ""});
  expect_complaint([&] { edited.distill(0); }, {"--distill", "no step", "at least 1"});
  edited.save(folder_ / "edited");
  moesim::testing::expect_same_weights(load_trained_model(folder_ / "run").weights,
                                       load_trained_model(folder_ / "edited").weights);
}

TEST_F(ModelEditorFolder, ATextThatIsTooShortIsRefused) {
  write("short.txt", "token");
  expect_complaint([&] { ModelEditor(folder_ / "run", folder_ / "short.txt", 1); },
                   {"short.txt", "5 bytes", ""});
}

// The published layer's tensors in Mixtral's layout, all of one value each.
class PublishedShard : public ModelEditorFolder {
 protected:
  PublishedLayer shard(std::int64_t experts, std::int64_t hidden, std::int64_t units) const {
    std::vector<Tensor> tensors;
    const std::string part = "model.layers.3.block_sparse_moe.";
    const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t cols) {
      const auto value = static_cast<float>(tensors.size() + 1) / 64;
      const std::vector<float> values(static_cast<std::size_t>(rows * cols), value);
      tensors.push_back(tensor_of(part + name, {rows, cols}, std::span<const float>(values)));
    };
    add("gate.weight", experts, hidden);
    for (std::int64_t e = 0; e < experts; ++e) {
      const std::string expert = "experts." + std::to_string(e) + ".";
      add(expert + "w1.weight", units, hidden);
      add(expert + "w3.weight", units, hidden);
      add(expert + "w2.weight", hidden, units);
    }
    write_safetensors(folder_ / "shard.safetensors", tensors);
    return {{folder_ / "shard.safetensors"}, 3, 1};
  }
};

// Values in the order of the file: gate 1/64, then expert e's w1, w3, w2 (2 + 3 e) / 64 and on.
TEST_F(PublishedShard, ALayersRouterAndExpertsAreTakenOver) {
  ModelEditor edited = editor();
  EXPECT_FALSE(edited.import_layer(shard(8, 16, 8)).left_shared_expert_out);
  edited.save(folder_ / "imported");
  const Checkpoint now = load_checkpoint(folder_ / "imported");
  const MoeLayerWeights<float>& layer = now.state.weights.blocks[1].moe;
  EXPECT_EQ(layer.router.gate, Matrix<float>::Constant(8, 16, 1 / 64.0F));
  EXPECT_EQ(layer.experts.gate.middleRows(8, 8), Matrix<float>::Constant(8, 16, 5 / 64.0F));
  EXPECT_EQ(layer.experts.up.middleRows(8, 8), Matrix<float>::Constant(8, 16, 6 / 64.0F));
  EXPECT_EQ(layer.experts.down.bottomRows(8), Matrix<float>::Constant(8, 16, 25 / 64.0F));
  const TrainedModel before = load_trained_model(folder_ / "run");
  EXPECT_EQ(now.state.weights.blocks[0].moe.experts.up, before.weights.blocks[0].moe.experts.up);
  const ModelFigures after = edited.figures();
  EXPECT_LT(train_on(edited), after.loss);
}

TEST_F(PublishedShard, ALayerThatDoesNotFitIsRefused) {
  ModelEditor edited = editor();
  expect_complaint([&] { edited.import_layer(shard(8, 12, 8)); },
                   {"--import-shard", "hidden_size 12, the model's 16", "train a model"});
  expect_complaint([&] { edited.import_layer(shard(4, 16, 8)); },
                   {"--import-shard", "num_experts 4, the model's 8", "train a model"});
  expect_complaint([&] { edited.import_layer(shard(8, 16, 6)); },
                   {"--import-shard", "moe_intermediate_size 6, the model's 8", "train a model"});
  PublishedLayer fits = shard(8, 16, 8);
  fits.into = 2;
  expect_complaint([&] { edited.import_layer(fits); },
                   {"--into", "2 is not a MoE layer", "layers are 0, 1"});
  fits.into = 1;
  fits.layer = 4;
  expect_complaint([&] { edited.import_layer(fits); },
                   {"shard.safetensors", "no gate of a MoE layer", "shard"});
  edited.save(folder_ / "edited");
  moesim::testing::expect_same_weights(load_trained_model(folder_ / "run").weights,
                                       load_trained_model(folder_ / "edited").weights);
}

}  // namespace
}  // namespace moesim::model
