// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "base/data_directory.h"
#include "base/error.h"
#include "base/named_table.h"
#include "experiments/experiment.h"
#include "sim/scenario.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

// A size's number and K, M or G; anything else is left to parse_bytes.
bool parse_short(const std::string& text, double& bytes) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  if (digits == 0 || text.size() > digits + 1) return false;
  try {
    bytes = std::stod(text.substr(0, digits));
  } catch (const std::exception&) {
    return false;
  }
  if (digits == text.size()) return true;
  const char* const powers = "KMG";
  const char* const at =
      std::strchr(powers, std::toupper(static_cast<unsigned char>(text[digits])));
  if (at == nullptr || *at == '\0') return false;
  bytes *= std::pow(1024.0, static_cast<double>(at - powers) + 1);
  return true;
}

// Sections that --set may change; others would change nothing.
constexpr const char* kSections[] = {"cluster.", "comm.", "network.", "routing.synthetic."};

JsonValue from_flag(JsonValue value, const std::string& flag) {
  value.place.origin = std::make_shared<const std::string>(flag);
  return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

template <class Enum>
Enum parse_name(const std::string& word, const std::string& flag) {
  std::vector<std::string> names;
  for (const auto& [id, name] : names_of(Enum{})) {
    if (name == word) return id;
    names.push_back(name);
  }
  std::string hint = base::did_you_mean(word, names);
  if (hint.empty()) {
    for (const std::string& name : names) hint += (hint.empty() ? "one of " : ", ") + name;
  }
  throw Error(flag, "there is no \"" + word + "\"", hint);
}

JsonValue document_of(const BenchRequest& request) {
  JsonValue document = base::json_object();
  if (request.cluster.ends_with(".json")) {
    document = read_document(request.cluster, {});
  } else {
    base::set_json_at(document, "cluster.preset",
                      from_flag(base::json_of(request.cluster), "--cluster"), "--cluster");
  }
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

// "w2" is short for "w2_hot_rank".
std::string full_skew(const std::string& word) {
  for (const auto& [id, name] : names_of(sim::Distribution{})) {
    if (name == word || name.starts_with(word + "_")) return name;
  }
  return base::name_in_words(parse_name<sim::Distribution>(word, "--skew"));
}

int parse_rank(const std::string& text) {
  int rank = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), rank);
  if (failure == std::errc() && end == text.data() + text.size() && rank >= 0) return rank;
  throw Error("--ranks", "\"" + text + "\" is no rank", "write 64, or 0-7,16,24");
}

bool is_count(const std::string& ranks) {
  return !ranks.empty() && ranks.find_first_of(",-") == std::string::npos;
}

std::vector<int> parse_ranks(const std::string& text, int available) {
  std::set<int> ranks;
  const auto add = [&](int first, int last) {
    if (last >= available) {
      throw Error("--ranks",
                  "the cluster has " + std::to_string(available) + " ranks, of which " +
                      std::to_string(last) + " is none",
                  "set cluster.num_nodes higher, or name ranks below " + std::to_string(available));
    }
    for (int rank = first; rank <= last; ++rank) ranks.insert(rank);
  };
  if (text.empty()) {
    add(0, available - 1);
  } else if (is_count(text)) {
    add(0, parse_rank(text) - 1);
  } else {
    for (const std::string& part : split(text, ',')) {
      const std::size_t dash = part.find('-');
      const int first = parse_rank(part.substr(0, dash));
      add(first, dash == std::string::npos ? first : parse_rank(part.substr(dash + 1)));
    }
  }
  if (ranks.empty()) throw Error("--ranks", "no rank takes part", "write 64, or 0-7,16,24");
  return {ranks.begin(), ranks.end()};
}

// The nodes that the first N ranks need, where nothing says how many there are.
void fill_num_nodes(JsonValue& cluster, const std::string& ranks) {
  const JsonValue* node = cluster.find("node");
  const JsonValue* per_node = node == nullptr ? nullptr : node->find("accelerators_per_node");
  if (cluster.find("num_nodes") != nullptr || cluster.find("node_groups") != nullptr ||
      per_node == nullptr || !is_count(ranks))
    return;
  if (!per_node->integral || per_node->number < 1) return;
  const int each = static_cast<int>(per_node->number);
  base::add_member(cluster, "num_nodes",
                   from_flag(base::json_of((parse_rank(ranks) + each - 1) / each), "--ranks"));
}

template <class T>
T read_section(const JsonValue* section, const std::string& pointer) {
  T object;
  base::ReadReport report;
  if (section != nullptr) base::read_json(*section, object, report, pointer);
  return object;
}

void read_skew(const BenchRequest& request, JsonValue document, BenchCase& bench) {
  if (!request.skew.empty()) {
    base::set_json_at(document, "routing.synthetic.distribution",
                      from_flag(base::json_of(full_skew(request.skew)), "--skew"), "--skew");
  }
  const JsonValue* routing = document.find("routing");
  bench.skew = read_section<sim::SyntheticSettings>(
      routing == nullptr ? nullptr : routing->find("synthetic"), "/routing/synthetic");
  bench.seed = request.seed;
}

std::string default_algorithm(sim::CollectiveKind kind, const sim::CommConfig& comm) {
  if (kind == sim::CollectiveKind::all_to_all) return base::name_in_words(comm.all_to_all);
  if (kind == sim::CollectiveKind::all_reduce) return base::name_in_words(comm.all_reduce);
  const std::vector<std::string> algorithms = sim::algorithms_of(kind);
  return algorithms.empty() ? "" : algorithms.front();
}

// [source, destination] bytes from a JSON list of lists.
std::vector<base::Bytes> read_matrix(const std::string& file, std::size_t ranks) {
  const JsonValue rows = base::read_json_file(file);
  const auto wrong = [&](const JsonValue& at) {
    return Error(at.place.text(),
                 "a matrix of bytes is a list of " + std::to_string(ranks) + " lists of " +
                     std::to_string(ranks) + " numbers",
                 "one list per source rank, one number per destination");
  };
  std::vector<base::Bytes> bytes;
  if (rows.kind != JsonValue::Kind::array || rows.items.size() != ranks) throw wrong(rows);
  for (const JsonValue& row : rows.items) {
    if (row.kind != JsonValue::Kind::array || row.items.size() != ranks) throw wrong(row);
    for (const JsonValue& entry : row.items) {
      if (entry.kind != JsonValue::Kind::number || entry.number < 0) throw wrong(entry);
      bytes.emplace_back(entry.number);
    }
  }
  return bytes;
}

void refuse_without_all_to_all(const BenchRequest& request) {
  for (const auto& [value, flag] :
       {std::pair(request.skew, "--skew"), std::pair(request.matrix, "--matrix"),
        std::pair(request.message_bytes, "--message-bytes")}) {
    if (value.empty()) continue;
    throw Error(flag, "every rank of " + request.collective + " sends the same",
                "use it with --collective all_to_all");
  }
}

topologies::ClusterConfig read_cluster(const JsonValue& document, const BenchRequest& request) {
  const JsonValue* cluster = document.find("cluster");
  if (cluster == nullptr) {
    throw Error(request.cluster, "it has no section \"cluster\"", "name a preset or an experiment");
  }
  JsonValue resolved = topologies::resolve_cluster_presets(*cluster);
  fill_num_nodes(resolved, request.ranks);
  const auto config = read_section<topologies::ClusterConfig>(&resolved, "/cluster");
  topologies::validate(config);
  return config;
}

sim::CommConfig read_comm(const JsonValue& document) {
  const JsonValue* section = document.find("comm");
  if (section == nullptr) return {};
  const JsonValue resolved = sim::resolve_comm_preset(*section);
  return read_section<sim::CommConfig>(&resolved, "/comm");
}

void read_traffic(const BenchRequest& request, BenchCase& bench) {
  if (request.matrix.empty()) return;
  if (!request.skew.empty()) {
    throw Error("--matrix", "a matrix has its own skew", "leave --skew out");
  }
  bench.collective.traffic = read_matrix(request.matrix, bench.collective.ranks.size());
}

BenchCase case_of(const BenchRequest& request, const std::string& label) {
  const JsonValue document = document_of(request);
  BenchCase bench;
  bench.label = label;
  bench.cluster_name = request.cluster;
  bench.cluster = read_cluster(document, request);
  const sim::CommConfig comm = read_comm(document);
  bench.protocol = comm.protocol;
  bench.fidelity =
      request.fidelity.empty()
          ? read_section<sim::NetworkConfig>(document.find("network"), "/network").fidelity
          : parse_name<sim::Fidelity>(request.fidelity, "--fidelity");
  sim::BenchedCollective& collective = bench.collective;
  collective.kind = parse_name<sim::CollectiveKind>(request.collective, "--collective");
  if (collective.kind != sim::CollectiveKind::all_to_all) refuse_without_all_to_all(request);
  collective.algorithm =
      request.algorithm.empty() ? default_algorithm(collective.kind, comm) : request.algorithm;
  collective.ranks = parse_ranks(request.ranks, topologies::count_ranks(bench.cluster));
  if (!request.message_bytes.empty()) {
    collective.message_bytes = parse_size(request.message_bytes, "--message-bytes");
  }
  read_traffic(request, bench);
  read_skew(request, document, bench);
  return bench;
}

// The request with one value of a comparison in place.
BenchRequest with_value(BenchRequest request, const std::string& key, const std::string& value) {
  if (key == "cluster") {
    request.cluster = value;
  } else if (key == "algorithm") {
    request.algorithm = value;
  } else if (key == "fidelity") {
    request.fidelity = value;
  } else if (key == "skew") {
    request.skew = value;
  } else if (key == "topology") {
    request.assignments.push_back("cluster.topology=" + value);
  } else if (key.find('.') != std::string::npos) {
    request.assignments.push_back(key + "=" + value);
  } else {
    std::string near =
        base::did_you_mean(key, {"cluster", "algorithm", "fidelity", "skew", "topology"});
    if (near.empty()) near = "compare cluster, topology, algorithm, fidelity, skew or a --set key";
    throw Error("--compare", "\"" + key + "\" is nothing to compare by", near);
  }
  return request;
}

struct Variant {
  std::string label;
  BenchRequest request;
};

// Every variant once with each of the comparison's values.
std::vector<Variant> expand(const std::vector<Variant>& variants, const std::string& comparison) {
  const std::size_t equals = comparison.find('=');
  if (equals == std::string::npos || equals + 1 == comparison.size()) {
    throw Error("--compare", "\"" + comparison + "\" names no values",
                "write --compare fidelity=analytic,flow");
  }
  std::vector<Variant> expanded;
  for (const Variant& variant : variants) {
    for (const std::string& value : split(comparison.substr(equals + 1), ',')) {
      const std::string label = variant.label.empty() ? value : variant.label + ", " + value;
      expanded.push_back({label, with_value(variant.request, comparison.substr(0, equals), value)});
    }
  }
  return expanded;
}

}  // namespace

base::Bytes parse_size(const std::string& text, const std::string& flag) {
  double bytes = 0;
  if (!parse_short(text, bytes)) {
    try {
      bytes = base::parse_bytes(text).value;
    } catch (const Error& error) {
      throw Error(flag, error.message(), "write 1024, 8K, 128M, 1G or \"100 MB\"");
    }
  }
  if (std::isfinite(bytes) && bytes >= 1) return base::Bytes(bytes);
  throw Error(flag, "a size is at least 1 byte; found \"" + text + "\"",
              "write 8, 128M or \"1 GiB\"");
}

std::vector<BenchCase> bench_cases(const BenchRequest& request,
                                   const std::vector<std::string>& comparisons) {
  std::vector<Variant> variants{{"", request}};
  for (const std::string& comparison : comparisons) variants = expand(variants, comparison);
  std::vector<BenchCase> cases;
  for (const Variant& variant : variants) cases.push_back(case_of(variant.request, variant.label));
  return cases;
}

}  // namespace moesim::experiments
