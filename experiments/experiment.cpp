// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "experiments/file_names.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

constexpr int kLongestChain = 16;

void erase_member(JsonValue& object, const std::string& key) {
  std::erase_if(object.members, [&](const base::JsonMember& member) { return member.key == key; });
}

JsonValue read_with_bases(const std::filesystem::path& file, int depth);

// A file that cannot be read is the fault of the key that names it; what is wrong inside the file
// has its own place.
Error blame_key(const Error& error, const JsonValue& path, const std::string& pointer) {
  if (error.where() != resolve_path(path).string()) return error;
  return {base::where_of(path.place, pointer), error.where() + ": " + error.message(),
          error.hint()};
}

JsonValue read_base(const JsonValue& extends, int depth) {
  try {
    return read_with_bases(resolve_path(extends), depth);
  } catch (const Error& error) {
    throw blame_key(error, extends, "/extends");
  }
}

JsonValue read_with_bases(const std::filesystem::path& file, int depth) {
  JsonValue document = base::read_json_file(file);
  if (document.kind != JsonValue::Kind::object) {
    throw Error(document.place.text(), "an experiment is a JSON object", "begin with {");
  }
  const JsonValue* extends = document.find("extends");
  if (extends == nullptr) return document;
  if (extends->kind != JsonValue::Kind::string) {
    throw Error(extends->place.text() + "  /extends", "expected a file name",
                "\"extends\": \"base.json\"");
  }
  if (extends->text.empty()) return document;
  if (depth == kLongestChain) {
    throw Error(extends->place.text() + "  /extends",
                "more than " + std::to_string(kLongestChain) + " files extend each other",
                "does the chain lead back to where it began?");
  }
  JsonValue merged = read_base(*extends, depth + 1);
  erase_member(document, "extends");
  base::merge_json(merged, document);
  return merged;
}

JsonValue resolve_model(const JsonValue& section) {
  const JsonValue* config = section.find("hf_config");
  if (config == nullptr) return model::resolve_model_preset(section);
  try {
    return model::resolve_model_preset(section);
  } catch (const Error& error) {
    throw blame_key(error, *config, "/model/hf_config");
  }
}

void replace(JsonValue& document, const char* section, JsonValue (*resolve)(const JsonValue&)) {
  if (JsonValue* value = document.find(section)) *value = resolve(*value);
}

// A table that the accelerators have but no step reads, as an accelerator's own may be.
void warn_of_unread_tables(const JsonValue& cluster, base::ReadReport& report) {
  for (const NamedFile& file : files_named_in("cluster", cluster)) {
    if (!file.key.ends_with(".cost_table")) continue;
    report.warnings.push_back({file.value->place, pointer_of_key(file.key),
                               "it has no effect: cost.source is roofline (to use it: table)"});
  }
}

void complete(JsonValue& job, const char* section, const JsonValue* common) {
  if (common == nullptr) return;
  const JsonValue* own = job.find(section);
  const bool stands_for_itself =
      own != nullptr && (own->find("preset") != nullptr || own->find("hf_config") != nullptr);
  if (stands_for_itself) return;
  JsonValue merged = *common;
  if (own != nullptr) base::merge_json(merged, *own);
  erase_member(job, section);
  base::add_member(job, section, std::move(merged));
}

// Each job's sections over the experiment's own; one that names a preset stands for itself.
void complete_jobs(JsonValue& document) {
  JsonValue* jobs = document.find("jobs");
  if (jobs == nullptr || jobs->kind != JsonValue::Kind::array) return;
  for (JsonValue& job : jobs->items) {
    if (job.kind != JsonValue::Kind::object) continue;
    replace(job, "model", resolve_model);
    replace(job, "comm", sim::resolve_comm_preset);
    for (const char* section : {"model", "training", "parallel", "router", "routing", "comm"}) {
      complete(job, section, document.find(section));
    }
  }
}

// A file for `moesim train` would be refused for whatever of it comes first.
void refuse_training_file(const JsonValue& document) {
  const JsonValue* training = document.find("training");
  const JsonValue* steps = training != nullptr ? training->find("steps") : nullptr;
  if (steps == nullptr || document.find("cluster") != nullptr) return;
  throw Error(document.place.text(),
              "this is a training file: it has training.steps and no cluster",
              "moesim train reads it");
}

}  // namespace

void check_name(const JsonValue& document, const std::string& name) {
  const bool plain = !name.empty() && name.size() <= 100 && name.front() != '.' &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                     });
  if (plain) return;
  const JsonValue* value = document.find("name");
  throw Error((value != nullptr ? value->place.text() : document.place.text()) + "  /name",
              "\"" + name.substr(0, 100) + "\" cannot name a folder of results",
              "use letters, digits, '-', '_' and '.', at most 100");
}

base::EnumNames<PointFolders> names_of(PointFolders) {
  return {
      {PointFolders::automatic, "auto"}, {PointFolders::all, "all"}, {PointFolders::none, "none"}};
}

void describe(base::FieldTable& table, OutputsConfig& outputs) {
  table.title("outputs", "What a run writes besides its figures.");
  table.field("traces", outputs.traces, "Timing traces to write for each point.");
  table.field("routing_trace", outputs.routing_trace,
              "Record the routing of each point to routing.trace, for routing.source trace.");
  table.field("report", outputs.report,
              "Write report.html, a page to look at, when the run ends; not asked of a point.");
  table.field(
      "points", outputs.points,
      "Which points of a sweep get a folder with files of their own, traces among them: all, "
      "none, or auto: all where the sweep has up to 1,000 points. Rows in results.ndjson are "
      "written for every point, and log.txt for each that fails.");
}

void describe(base::FieldTable& table, Experiment& experiment) {
  sim::Scenario& scenario = experiment.scenario;
  table.title("experiment", "One experiment file.");
  table.field("$schema", experiment.schema, "Path of the schema, for editors.");
  table.field("extends", experiment.extends,
              "Experiment file, relative to this one, that this one is merged over (RFC 7396, but "
              "null sets null).");
  table.field("name", experiment.name, "Names the folder of results.").required();
  table.field("question", experiment.question, "What the experiment asks, in a sentence.");
  table
      .field("model", scenario.model,
             "The model: {\"preset\": name}, {\"hf_config\": file} or fields.")
      .required();
  table.field("training", scenario.training, "The batch.").required();
  table.field("parallel", scenario.parallel, "How the model is split over ranks.");
  table.field("router", scenario.router, "Capacity, drops and balance.");
  table.field("routing", scenario.routing, "Where the routing comes from.");
  table
      .field("cluster", scenario.cluster,
             "The cluster: {\"preset\": name, \"num_nodes\": n} or fields.")
      .required();
  table.field("cost", scenario.cost, "Where the time of computation comes from.");
  table.field("comm", scenario.comm, "Collective algorithms and their library.");
  table.field("network", scenario.network, "Fidelity of the network.");
  table.field("faults", scenario.faults, "What breaks or slows down while the step runs.");
  table.field("jobs", scenario.jobs,
              "Several workloads that share the cluster, instead of one on all of it.");
  table.field(
      "sweep", experiment.sweep,
      "Dotted keys and their values: a list, or a rule as {\"range\": [first, last]}; the points "
      "are all "
      "combinations, the last key fastest. zip and cases set several keys at once, exclude leaves "
      "points out, sample draws some (docs/file_formats.md, \"Sweeps\").");
  table.field("objectives", experiment.objectives,
              "Figures of a result, by dotted key, and whether they are to be high or low: "
              "{\"tokens_per_s_per_gpu\": \"max\"}. Reports look at these first, and moesim search "
              "for them.");
  table.field("constraints", experiment.constraints,
              "Figures of a result, by dotted key, and what they may be at most or at least: "
              "{\"drop_rate\": {\"max\": 0.02}}, {\"step_time_s\": {\"max\": \"2 ms\"}}. moesim "
              "search keeps to them.");
  table.field("outputs", experiment.outputs, "What to write.");
}

JsonValue read_document(const std::filesystem::path& file,
                        const std::vector<std::string>& assignments) {
  JsonValue document = read_with_bases(file, 0);
  for (const std::string& assignment : assignments) base::set_json(document, assignment);
  const JsonValue* extends = document.find("extends");
  if (extends != nullptr && extends->place.is_override()) {
    throw Error(extends->place.text() + "  /extends", "files are merged before --set is applied",
                "write \"extends\" into the experiment file");
  }
  return document;
}

JsonValue resolve_presets(JsonValue document) {
  replace(document, "model", resolve_model);
  replace(document, "cluster", topologies::resolve_cluster_presets);
  replace(document, "comm", sim::resolve_comm_preset);
  complete_jobs(document);
  return resolve_files("", std::move(document));
}

Experiment read_experiment(const JsonValue& document, base::ReadReport& report) {
  refuse_training_file(document);
  Experiment experiment;
  const JsonValue resolved = resolve_presets(document);
  base::read_json(resolved, experiment, report);
  check_name(document, experiment.name);
  check_objectives(document, experiment.objectives);
  read_constraints(document, experiment.constraints);
  experiment.scenario.name = experiment.name;
  if (experiment.scenario.cost.source == sim::CostSource::roofline) {
    if (const JsonValue* cluster = document.find("cluster")) {
      warn_of_unread_tables(*cluster, report);
    }
  }
  return experiment;
}

}  // namespace moesim::experiments
