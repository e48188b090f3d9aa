// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "experiments/runs/point_files.h"
#include "experiments/sweep/sweep_values.h"
#include "experiments/training_file.h"
#include "model/surgery/model_editor.h"

namespace moesim::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTrainingFile = "training.json";
constexpr const char* kCheckpoints = "checkpoints";

struct EditOptions {
  std::string checkpoint;
  std::string output;
  std::string text;  // "": the program's own
  std::optional<int> prune;
  std::optional<int> add;
  std::vector<int> remove;
  std::optional<int> distill;
  std::vector<std::string> shards;
  std::optional<int> layer;
  std::optional<int> into;
  int threads = 0;  // 0: as many as there are cores
};

// The folder of the results, and what was made on the way: removed again unless it is kept.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& path) : path_(path) {
    std::error_code failure;
    for (const char* name : {kTrainingFile, kCheckpoints, "config.json", "latest"}) {
      if (!fs::exists(path / name, failure)) continue;
      throw base::Error(path.string(), "the folder holds a training run already",
                        "name another folder by --output");
    }
    // The outermost folder that is missing; an absolute path ends at the root, which is there.
    fs::path missing = fs::absolute(path).lexically_normal();
    if (missing.filename().empty()) missing = missing.parent_path();
    while (!fs::exists(missing, failure)) {
      made_ = missing;
      missing = missing.parent_path();
    }
    fs::create_directories(path, failure);
    if (failure || !fs::is_directory(path)) {
      const std::string why = failure ? failure.message() : "Not a directory";
      remove_made();
      throw base::Error(path.string(), "cannot be made: " + why,
                        "name a folder that may be written to by --output");
    }
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    if (kept_) return;
    std::error_code ignored;
    fs::remove(path_ / kTrainingFile, ignored);
    fs::remove_all(path_ / kCheckpoints, ignored);
    remove_made();
  }

  void keep() { kept_ = true; }

 private:
  void remove_made() const {
    std::error_code ignored;
    if (!made_.empty()) fs::remove_all(made_, ignored);
  }

  fs::path path_;
  fs::path made_;  // "": the folder was there
  bool kept_ = false;
};

void check_choice(const EditOptions& options) {
  const int chosen = (options.prune ? 1 : 0) + (options.add ? 1 : 0) +
                     (options.remove.empty() ? 0 : 1) + (options.distill ? 1 : 0) +
                     (options.shards.empty() ? 0 : 1);
  if (chosen != 1) {
    throw base::Error(
        "edit",
        chosen == 0 ? "no edit is named" : std::to_string(chosen) + " edits are named at once",
        "give one of --prune, --add, --remove, --distill and --import-shard");
  }
  for (const auto& [flag, value] :
       {std::pair("--layer", options.layer), std::pair("--into", options.into)}) {
    if (value.has_value() == !options.shards.empty()) continue;
    throw base::Error(flag,
                      value ? "it is of use with --import-shard only"
                            : "the layer is not said, which --import-shard needs",
                      value ? "leave it out" : "give --layer of the shard's model, --into of ours");
  }
  if (options.output.empty()) {
    throw base::Error("--output", "the folder for results has no name", "write --output runs/edit");
  }
}

// Does the edit and says what it was.
std::string edit_model(const EditOptions& options, model::ModelEditor& editor) {
  if (options.prune) {
    editor.prune(*options.prune);
    return fmt::format("kept the {} most used experts of every MoE layer", *options.prune);
  }
  if (options.add) {
    editor.add_copies(*options.add);
    return fmt::format("added copies of the {} most used experts of every MoE layer", *options.add);
  }
  if (!options.remove.empty()) {
    editor.remove(options.remove);
    return fmt::format("removed {} of every MoE layer's experts", fmt::join(options.remove, ", "));
  }
  if (options.distill) {
    const model::DistilledLayer distilled = editor.distill(*options.distill);
    return fmt::format("block {} is dense: its outputs differ by {:.1f} % of their mean square",
                       distilled.layer, 100 * distilled.error);
  }
  const model::PublishedLayer published{
      {options.shards.begin(), options.shards.end()}, *options.layer, *options.into};
  const bool left_out = editor.import_layer(published).left_shared_expert_out;
  return fmt::format("block {} has the router and experts of the published layer {}{}",
                     *options.into, *options.layer,
                     left_out ? ", without its gated shared expert" : "");
}

// The training file with which `train --resume` goes on.
std::string training_file(const EditOptions& options, const model::ModelEditor& editor) {
  experiments::TrainingFile file;
  fs::path folder = fs::absolute(options.output).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  file.name = experiments::as_file_name(folder.filename().string());
  if (file.name.empty() || file.name.front() == '.') file.name = "edited";
  // The file may be read from anywhere.
  if (!options.text.empty()) file.text = fs::absolute(options.text).lexically_normal().string();
  file.model = editor.config();
  file.training = editor.training();
  base::JsonValue json = base::to_json(file);
  std::erase_if(json.members, [](const base::JsonMember& member) {
    return member.key != "name" && member.key != "text" && member.key != "model" &&
           member.key != "training";
  });
  return base::to_text(json) + "\n";
}

void print_change(const model::ModelFigures& before, const model::ModelFigures& after) {
  std::printf(
      "MoE layers %d -> %d, experts %d -> %d, parameters %lld -> %lld, held-out loss %.4f -> %.4f "
      "nats\n",
      before.moe_layers, after.moe_layers, before.experts, after.experts,
      static_cast<long long>(before.parameters), static_cast<long long>(after.parameters),
      before.loss, after.loss);
}

void edit(const EditOptions& options) {
  check_choice(options);
  NewFolder folder(options.output);
  const int cores = base::number_of_cores();
  model::ModelEditor editor(options.checkpoint, options.text,
                            options.threads > 0 ? options.threads : cores);
  if (!editor.was_trained_on_text()) {
    std::fprintf(
        stderr, "moesim: warning: the model was trained on another text than %s\n",
        options.text.empty() ? "the program's own; name its by --text" : options.text.c_str());
  }
  const model::ModelFigures before = editor.figures();
  const std::string change = edit_model(options, editor);
  const model::ModelFigures after = editor.figures();
  const fs::path output = options.output;
  editor.save(output / kCheckpoints);
  experiments::write_file(output / kTrainingFile, training_file(options, editor));
  folder.keep();
  std::printf("%s\n", change.c_str());
  print_change(before, after);
  const std::string steps = "training.steps=" + std::to_string(2 * std::max(1, editor.steps()));
  std::printf("to train on: %s\n", quoted({"moesim", "train", (output / kTrainingFile).string(),
                                           "-o", output.string(), "--resume", "--set", steps})
                                       .c_str());
}

}  // namespace

void add_edit_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "edit", "Change a trained model's experts, so that it trains on in another shape");
  auto options = std::make_shared<EditOptions>();
  command
      ->add_option("checkpoint", options->checkpoint,
                   "What `train` wrote: a run's folder, its checkpoints, or one of them")
      ->required();
  command->add_option("-o,--output", options->output, "Folder for the edited model")->required();
  command->add_option("--text", options->text,
                      "Text file or folder to count usage and measure losses on, and to train on "
                      "(default: the program's own text)");
  command->add_option("--prune", options->prune, "Keep so many most used experts of every layer");
  command->add_option("--add", options->add, "Add copies of so many most used experts");
  command->add_option("--remove", options->remove, "Remove these experts: 0,3,5")->delimiter(',');
  command->add_option("--distill", options->distill,
                      "Teach the lowest MoE layer to a dense one for so many steps");
  command
      ->add_option("--import-shard", options->shards,
                   "Safetensors shard of a published model (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_option("--layer", options->layer, "The shard's layer to import, from 0");
  command->add_option("--into", options->into, "The model's MoE block that it replaces, from 0");
  command->add_option("-j,--threads", options->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->callback([options] { edit(*options); });
}

}  // namespace moesim::cli
