// SPDX-License-Identifier: Apache-2.0
// The subcommands; each adds itself to the parser and runs in its callback.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace moesim::cli {

// `run FILE`. `exit_code` outlives the parser; `arguments` is the whole command line.
void add_run_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments);

// `search FILE`: the best points of a sweep without running all of it. `exit_code` outlives the
// parser; 1 where --check finds that the best was missed.
void add_search_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments);

// `merge RUN...`: one run of the shards of a sweep; the same of the arguments.
void add_merge_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments);

// `results RUN`: the points of a run as a table.
void add_results_command(CLI::App& app);

// `train FILE`; the same of the arguments.
void add_train_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments);

// `generate CHECKPOINT`.
void add_generate_command(CLI::App& app);

// `edit CHECKPOINT`: a trained model in another shape.
void add_edit_command(CLI::App& app);

// `inspect CHECKPOINT`: what a trained model is and how it routes a text.
void add_inspect_command(CLI::App& app);

// `report RUN`: a run as one HTML page.
void add_report_command(CLI::App& app);

// `schema`: the JSON Schema of experiment files, or with --reference the reference page.
void add_schema_command(CLI::App& app);

// `validate [SERIES...]`: published measurements against the simulator. `exit_code` outlives the
// parser; 1 where a promised error is exceeded.
void add_validate_command(CLI::App& app, int& exit_code);

// `calibrate network TABLE`: a protocol preset from measurements.
void add_calibrate_command(CLI::App& app);

// `compare A B`: what differs between two points, and why.
void add_compare_command(CLI::App& app);

// `explain RUN`: why a point takes the time it takes.
void add_explain_command(CLI::App& app);

// `bench-collective`: one collective of many sizes on any cluster, as nccl-tests print them.
// `exit_code` outlives the parser; 1 where some columns of a comparison failed.
void add_bench_collective_command(CLI::App& app, int& exit_code);

// `models`: the model presets with their parameters.
void add_models_command(CLI::App& app);

// `topology show|draw|export|import|list`: clusters as graphs.
void add_topology_command(CLI::App& app);

}  // namespace moesim::cli
