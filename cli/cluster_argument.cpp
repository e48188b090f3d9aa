// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster_argument.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/data_directory.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "experiments/error_place.h"
#include "experiments/experiment.h"
#include "experiments/file_names.h"
#include "topologies/cluster_config.h"
#include "topologies/import_export/import_export.h"

namespace moesim::cli {
namespace {

constexpr const char* kPresets = "topologies/presets/clusters";

// A document of the cluster section alone.
struct ClusterDocument {
  topologies::ClusterConfig cluster;
};

void describe(base::FieldTable& table, ClusterDocument& document) {
  table.title("cluster_document", "A cluster section.");
  table.field("cluster", document.cluster, "The cluster.").required();
}

base::JsonValue document_with(base::JsonValue section) {
  base::JsonValue document = base::json_object();
  base::add_member(document, "cluster", std::move(section));
  return document;
}

void check_assignments(const std::vector<std::string>& assignments, bool is_graph) {
  for (const std::string& assignment : assignments) {
    if (is_graph) {
      throw base::Error("--set " + assignment, "a graph file has no keys to set",
                        "edit the file, or name a preset or an experiment");
    }
    if (!assignment.starts_with("cluster.")) {
      throw base::Error("--set " + assignment, "only keys of the cluster are looked at here",
                        "write --set cluster.num_nodes=8");
    }
  }
}

// Presets leave the number of nodes open.
bool says_nodes(const base::JsonValue& section) {
  return section.find("num_nodes") != nullptr || section.find("node_groups") != nullptr ||
         section.find("file") != nullptr;
}

NamedCluster built(const base::JsonValue& document, std::string title) {
  const base::JsonValue* section = document.find("cluster");
  const base::JsonValue resolved =
      experiments::resolve_files("", document_with(topologies::resolve_cluster_presets(*section)));
  if (!says_nodes(*resolved.find("cluster"))) {
    throw base::Error("--set", title + " leaves open how many nodes there are",
                      "add --set cluster.num_nodes=8");
  }
  ClusterDocument read;
  base::ReadReport report;
  base::read_json(resolved, read, report);
  NamedCluster named;
  try {
    named.cluster = topologies::build_cluster(read.cluster);
  } catch (const base::Error& error) {
    throw experiments::with_place(error, resolved, base::struct_codec_of<ClusterDocument>());
  }
  named.title = std::move(title);
  named.routing = topologies::routing_options(read.cluster);
  named.warnings = base::placed_texts(report.warnings);
  return named;
}

NamedCluster of_graph(const std::string& file) {
  NamedCluster named;
  named.title = std::filesystem::path(file).filename().string();
  named.cluster = topologies::read_cluster(file);
  return named;
}

NamedCluster of_preset(const std::string& name, const std::vector<std::string>& assignments) {
  const std::vector<std::string> known = base::preset_names(kPresets);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    const std::string nearest = base::did_you_mean(name, known);
    throw base::Error("\"" + name + "\"", "no cluster preset of this name, and no file",
                      nearest.empty() ? "moesim topology list names the presets" : nearest);
  }
  base::JsonValue section = base::json_object();
  base::add_member(section, "preset", base::json_of(name));
  base::JsonValue document = document_with(std::move(section));
  for (const std::string& assignment : assignments) base::set_json(document, assignment);
  return built(document, name);
}

// An experiment has a member "cluster"; a cluster section has the keys of one.
NamedCluster of_document(const std::string& file, const std::vector<std::string>& assignments) {
  const std::string title = std::filesystem::path(file).stem().string();
  const base::JsonValue plain = experiments::read_document(file, {});
  if (plain.find("cluster") != nullptr) {
    const base::JsonValue document = experiments::read_document(file, assignments);
    return built(document_with(*document.find("cluster")), title);
  }
  if (plain.find("topology") == nullptr && plain.find("node") == nullptr &&
      plain.find("preset") == nullptr) {
    throw base::Error(file, "it holds neither a graph nor a cluster",
                      "name a graph file, an experiment or a cluster section");
  }
  base::JsonValue document = document_with(plain);
  for (const std::string& assignment : assignments) base::set_json(document, assignment);
  return built(document, title);
}

}  // namespace

NamedCluster load_cluster(const std::string& name, const std::vector<std::string>& assignments) {
  const bool is_graph = topologies::is_graph_file(name);
  check_assignments(assignments, is_graph);
  if (is_graph) return of_graph(name);
  return name.ends_with(".json") ? of_document(name, assignments) : of_preset(name, assignments);
}

}  // namespace moesim::cli
