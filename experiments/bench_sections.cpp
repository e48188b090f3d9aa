// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_sections.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/named_table.h"
#include "experiments/bench_arguments.h"
#include "experiments/experiment.h"
#include "experiments/file_names.h"
#include "topologies/import_export/import_export.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

// Sections that --set may change; others would change nothing.
constexpr const char* kSections[] = {"cluster.", "comm.", "network.", "routing.synthetic."};

JsonValue from_flag(JsonValue value, const std::string& flag) {
  value.place.origin = std::make_shared<const std::string>(flag);
  return value;
}

// A graph is a cluster without the section that says so.
void refuse_graph(const std::string& file) {
  if (!topologies::is_graph_file(file)) return;
  throw Error(file, "it is a cluster's graph, which has no keys (as cluster.num_nodes) to set",
              "name a file that says {\"cluster\": {\"topology\": \"file\", \"file\": \"" + file +
                  "\", \"accelerator\": {\"preset\": \"h100_sxm5_80gb\"}}}");
}

JsonValue file_or_preset(const std::string& cluster) {
  refuse_graph(cluster);
  if (!cluster.ends_with(".json")) {
    JsonValue document = base::json_object();
    base::set_json_at(document, "cluster.preset", from_flag(base::json_of(cluster), "--cluster"),
                      "--cluster");
    return document;
  }
  JsonValue document = read_document(cluster, {});
  if (document.find("cluster") != nullptr) return document;
  throw Error(cluster, "it has no section \"cluster\"", "name a preset or an experiment");
}

// The nodes that the first N ranks need, where nothing says how many there are.
void fill_num_nodes(JsonValue& cluster, const BenchRequest& request) {
  const JsonValue* node = cluster.find("node");
  const JsonValue* per_node = node == nullptr ? nullptr : node->find("accelerators_per_node");
  const std::optional<int> ranks = rank_count(request.ranks);
  if (cluster.find("num_nodes") != nullptr || cluster.find("node_groups") != nullptr ||
      per_node == nullptr || !ranks)
    return;
  if (!per_node->integral || per_node->number < 1) return;
  const double nodes = std::ceil(*ranks / per_node->number);
  base::add_member(cluster, "num_nodes",
                   from_flag(base::json_of(static_cast<int>(nodes)), "--ranks"));
}

// "w2" is short for "w2_hot_rank".
std::string full_skew(const std::string& word) {
  for (const auto& [id, name] : names_of(sim::Distribution{})) {
    if (name == word || name.starts_with(word + "_")) return name;
  }
  return base::name_in_words(parse_name<sim::Distribution>(word, "--skew"));
}

// A key that may have no effect. What files say of `overridden` ones is there for the flag to
// replace; only two flags contradict each other.
struct Use {
  const char* path;
  bool is_used;
  const char* condition;
  bool overridden = false;
};

std::vector<Use> uses_of(const BenchRequest& request, const sim::BenchedCollective& collective) {
  const bool to_all = collective.kind == sim::CollectiveKind::all_to_all;
  const bool reduces = collective.kind == sim::CollectiveKind::all_reduce;
  const char* const by_moe_layer = "moesim run dispatches and combines tokens";
  return {
      {"comm.all_to_all", to_all, "the collective is all_to_all"},
      {"comm.all_to_all", request.algorithm.empty(), "no --algorithm is given", true},
      {"comm.all_reduce", reduces, "the collective is all_reduce"},
      {"comm.all_reduce", request.algorithm.empty(), "no --algorithm is given", true},
      {"comm.row_latency", false, by_moe_layer},
      {"comm.sum_bandwidth", false, by_moe_layer},
      {"comm.reserved_sms", false, "moesim run computes a step"},
      {"network.fidelity", request.fidelity.empty(), "no --fidelity is given", true},
      {"routing.synthetic", to_all, "the collective is all_to_all"},
      {"routing.synthetic", request.matrix.empty(), "no --matrix is given"},
      {"routing.synthetic.distribution", request.skew.empty(), "no --skew is given", true},
      {"cluster.node.accelerator", false, "moesim run computes a step", true},
      {"cluster.accelerator", false, "moesim run computes a step", true},
  };
}

// The member at a dotted path; null where there is none.
const base::JsonMember* member_at(const JsonValue& document, const std::string& path) {
  const JsonValue* value = &document;
  const base::JsonMember* found = nullptr;
  for (const std::string& key : split(path, '.')) {
    found = nullptr;
    for (const base::JsonMember& member : value->members) {
      if (member.key == key) found = &member;
    }
    if (found == nullptr) return nullptr;
    value = &found->value;
  }
  return found;
}

bool holds_override(const JsonValue& value) {
  return value.place.is_override() ||
         std::any_of(value.members.begin(), value.members.end(),
                     [](const base::JsonMember& member) { return holds_override(member.value); });
}

std::string pointer_of(std::string path) {
  std::replace(path.begin(), path.end(), '.', '/');
  return "/" + path;
}

}  // namespace

void describe(base::FieldTable& table, BenchRouting& routing) {
  table.title("bench_routing", "Where an all_to_all's skew comes from.");
  table.field("synthetic", routing.synthetic, "The skew.");
}

void describe(base::FieldTable& table, BenchSections& sections) {
  table.title("bench_sections", "What counts for a collective by itself.");
  table.field("cluster", sections.cluster, "The cluster.").required();
  table.field("comm", sections.comm, "Collective algorithms and their library.");
  table.field("network", sections.network, "Fidelity of the network.");
  table.field("routing", sections.routing, "Skew.");
}

JsonValue given_document(const BenchRequest& request) {
  JsonValue document = file_or_preset(request.cluster);
  for (const std::string& assignment : request.assignments) {
    const bool known = std::any_of(std::begin(kSections), std::end(kSections),
                                   [&](const char* s) { return assignment.starts_with(s); });
    if (!known) {
      throw Error("--set " + assignment, "it has no effect on a collective by itself",
                  "set a key of cluster, comm, network or routing.synthetic");
    }
    base::set_json(document, assignment);
  }
  return document;
}

JsonValue resolved_sections(const JsonValue& given, const BenchRequest& request) {
  JsonValue resolved = base::json_object();
  resolved.place = given.place;
  JsonValue cluster = topologies::resolve_cluster_presets(*given.find("cluster"));
  fill_num_nodes(cluster, request);
  base::add_member(resolved, "cluster", std::move(cluster));
  if (const JsonValue* comm = given.find("comm")) {
    base::add_member(resolved, "comm", sim::resolve_comm_preset(*comm));
  }
  if (const JsonValue* network = given.find("network")) {
    base::add_member(resolved, "network", *network);
  }
  if (const base::JsonMember* synthetic = member_at(given, "routing.synthetic")) {
    JsonValue routing = base::json_object();
    routing.place = synthetic->place;
    base::add_member(routing, "synthetic", synthetic->value);
    base::add_member(resolved, "routing", std::move(routing));
  }
  if (!request.skew.empty()) {
    base::set_json_at(resolved, "routing.synthetic.distribution",
                      from_flag(base::json_of(full_skew(request.skew)), "--skew"), "--skew");
  }
  return resolve_files("", std::move(resolved));
}

BenchSections read_sections(const JsonValue& resolved, base::ReadReport& report) {
  BenchSections sections;
  base::read_json(resolved, sections, report);
  return sections;
}

std::vector<std::string> without_effect(const JsonValue& given, const BenchRequest& request,
                                        const sim::BenchedCollective& collective) {
  std::vector<std::string> sentences;
  const std::string only_used = " has no effect: it is only used when ";
  std::string told;  // the latest path: its own keys and further conditions go without saying
  for (const Use& use : uses_of(request, collective)) {
    const base::JsonMember* member = member_at(given, use.path);
    if (use.is_used || member == nullptr) continue;
    if (use.overridden && !holds_override(member->value)) continue;
    if (!told.empty() && std::string(use.path).starts_with(told)) continue;
    told = use.path;
    sentences.push_back(base::where_of(member->place, pointer_of(use.path)) + ": \"" + member->key +
                        "\"" + only_used + use.condition);
  }
  if (!request.message_bytes.empty() && collective.algorithm != "low_latency") {
    sentences.push_back("--message-bytes: it" + only_used + "the algorithm is low_latency");
  }
  return sentences;
}

}  // namespace moesim::experiments
