// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_run.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file_bytes.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_folder.h"
#include "model/cpu/processor.h"
#include "model/train/byte_baselines.h"
#include "model/train/curve_file.h"
#include "model/train/text_parts.h"
#include "model/train/trainer.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

// The training settings that may change from one part of a run to the next.
constexpr std::array<std::string_view, 5> kChangeable = {
    "steps", "recompute_activations", "validation_every", "validation_windows", "checkpoint_every"};

// The first key whose value differs, or is in one alone; "" where there is none.
std::string first_difference(const base::JsonValue& a, const base::JsonValue& b) {
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    for (const base::JsonMember& member : one->members) {
      const base::JsonValue* value = other->find(member.key);
      if (value == nullptr || to_text(*value) != to_text(member.value)) return member.key;
    }
  }
  return {};
}

TrainingConfig with_changeable_of(TrainingConfig training, const TrainingConfig& other) {
  base::JsonValue json = base::to_json(training);
  const base::JsonValue from = base::to_json(other);
  for (const std::string_view key : kChangeable) *json.find(key) = *from.find(key);
  base::ReadReport report;
  read_json(json, training, report);
  return training;
}

// `own` says that the text now is the program's own.
void check_same_text(const TextIdentity& before, const TextIdentity& now, bool own,
                     const fs::path& folder) {
  if (before == now) return;
  const std::string place = folder.string() + "  /text";
  const std::string sizes =
      " (" + std::to_string(before.bytes) + " bytes, now " + std::to_string(now.bytes) + ")";
  if (own) {
    throw base::Error(
        place, "the run was trained on another text: the program's own text has changed" + sizes,
        "go on with the version of the program that began the run, or train in "
        "another folder; a text file of one's own (\"text\": ...) makes a run "
        "resumable across versions");
  }
  throw base::Error(place, "the run was trained on another text" + sizes,
                    "go on with the text in config.json, or train in another folder");
}

void check_same_run(const CheckpointSubject& before, const CheckpointSubject& now,
                    const fs::path& folder) {
  const auto fail = [&](const std::string& pointer, const std::string& what) {
    throw base::Error(folder.string() + "  " + pointer, what,
                      "go on with the configuration in config.json, or train in another folder");
  };
  const std::string model = first_difference(base::to_json(before.model), base::to_json(now.model));
  if (!model.empty()) fail("/model/" + model, "the run was begun with another " + model);
  const TrainingConfig training = with_changeable_of(before.training, now.training);
  const std::string setting =
      first_difference(base::to_json(training), base::to_json(now.training));
  if (!setting.empty()) fail("/training/" + setting, "the run was begun with another " + setting);
}

void check_steps(int done, int asked) {
  if (done <= asked) return;
  throw base::Error("/training/steps",
                    "the run has taken " + std::to_string(done) + " steps already, and " +
                        std::to_string(asked) + " are asked for",
                    "ask for at least " + std::to_string(done) + ", or train in another folder");
}

// One run at work.
class Run {
 public:
  Run(const TrainingRunConfig& run, std::span<const std::uint8_t> text, const RunOptions& options)
      : options_(options),
        own_text_(run.text.empty()),
        subject_{run.model, run.training, identify_text(text)},
        checkpoints_(options.folder / "checkpoints"),
        trainer_(begin(text)),
        curve_(options.folder / "curve.csv", trainer_.history()) {
    const std::string config = base::write_json(run);
    const std::array<std::string_view, 1> parts = {config};
    base::write_file_atomically(options.folder / "config.json", parts);
  }

  TrainingOutcome train() {
    TrainingOutcome outcome;
    outcome.finished = take_steps();
    if (outcome.finished) require_last_validation();
    outcome.history = trainer_.history();
    if (outcome.finished) outcome.validation_routing = trainer_.route_validation();
    return outcome;
  }

 private:
  // Whether all steps are done.
  bool take_steps() {
    const int steps = subject_.training.steps;
    while (trainer_.steps_done() < steps) {
      const StepReport report = trainer_.step();
      const int step = report.record.step;
      std::optional<double> validation_loss;
      if (is_due(step, subject_.training.validation_every)) validation_loss = trainer_.validate();
      curve_.add(report.record, validation_loss);
      if (options_.progress) options_.progress(report, validation_loss);
      const bool stops = options_.stop && options_.stop();
      if (stops || is_due(step, subject_.training.checkpoint_every)) {
        save_checkpoint(checkpoints_, subject_, trainer_.state());
      }
      if (stops && step < steps) return false;
    }
    return true;
  }

  // A run that was stopped where it now ends has taken its last step without a validation.
  void require_last_validation() {
    const std::vector<ValidationRecord>& done = trainer_.history().validations;
    if (!done.empty() && done.back().step == trainer_.steps_done()) return;
    trainer_.validate();
    save_checkpoint(checkpoints_, subject_, trainer_.state());
  }

  bool is_due(int step, int every) const {
    return step == subject_.training.steps || (every > 0 && step % every == 0);
  }

  Trainer begin(std::span<const std::uint8_t> text) const {
    if (!holds_checkpoint(checkpoints_)) {
      Trainer trainer(subject_.model, subject_.training, text, {options_.threads, options_.device});
      make_folder();
      return trainer;
    }
    if (!options_.resume) {
      throw base::Error(options_.folder.string(), "the folder holds a training run already",
                        "go on with it by --resume, or name another folder by --output");
    }
    Checkpoint checkpoint = load_checkpoint(checkpoints_);
    check_same_text(checkpoint.subject.text, subject_.text, own_text_, options_.folder);
    check_same_run(checkpoint.subject, subject_, options_.folder);
    check_steps(checkpoint.state.step, subject_.training.steps);
    return Trainer(subject_.model, subject_.training, text, {options_.threads, options_.device},
                   std::move(checkpoint.state));
  }

  void make_folder() const {
    std::error_code failure;
    fs::create_directories(options_.folder, failure);
    if (!failure) return;
    throw base::Error(options_.folder.string(), "cannot be made: " + failure.message(),
                      "name a folder that may be written to");
  }

  const RunOptions& options_;
  const bool own_text_;
  const CheckpointSubject subject_;
  const fs::path checkpoints_;
  Trainer trainer_;
  CurveFile curve_;
};

}  // namespace

void describe(base::FieldTable& table, TrainingRunConfig& run) {
  table.title("training_run", "A model, a text, and how the one is trained on the other.");
  table.field("text", run.text,
              "Text file or folder that was trained on; empty = the program's own text.");
  table.field("model", run.model, "The model.");
  table.field("training", run.training, "How it is trained.");
}

TrainingOutcome run_training(const TrainingRunConfig& config, std::span<const std::uint8_t> text,
                             const RunOptions& options) {
  require_vector_instructions();
  Run run(config, text, options);
  if (options.begun) options.begun();
  TrainingOutcome outcome = run.train();
  const TextParts parts = cut_text(text, config.training.validation_fraction);
  outcome.unigram_bits_per_byte = unigram_bits_per_byte(parts.training, parts.validation);
  outcome.bigram_bits_per_byte = bigram_bits_per_byte(parts.training, parts.validation);
  return outcome;
}

}  // namespace moesim::model
