// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "base/data_directory.h"
#include "base/json_reader.h"
#include "cli/commands.h"
#include "model/spec/model_spec.h"
#include "model/spec/parameter_count.h"

namespace moesim::cli {
namespace {

void print_models() {
  std::string text =
      fmt::format("{:<26} {:>9} {:>9} {:>7} {:>7} {:>6} {:>7} {:>7}\n", "preset", "total", "active",
                  "layers", "hidden", "top-k", "experts", "inter");
  for (const std::string& name : base::preset_names("model/presets")) {
    base::JsonValue section = base::json_object();
    base::add_member(section, "preset", base::json_of(name));
    model::ModelSpec spec;
    base::ReadReport report;
    base::read_json(model::resolve_model_preset(section), spec, report);
    const model::ParameterCount count = model::count_parameters(spec);
    text += fmt::format("{:<26} {:>7.2f} B {:>7.2f} B {:>7} {:>7} {:>6} {:>7} {:>7}\n", name,
                        static_cast<double>(count.total()) / 1e9,
                        static_cast<double>(count.active(spec)) / 1e9, spec.num_hidden_layers,
                        spec.hidden_size, spec.num_experts_per_tok, spec.num_experts,
                        spec.moe_intermediate_size);
  }
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_models_command(CLI::App& app) {
  app.add_subcommand("models", "List the model presets with their total and active parameters")
      ->callback(print_models);
}

}  // namespace moesim::cli
