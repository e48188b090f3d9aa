// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_request.h"

#include <utility>

#include "base/error.h"
#include "base/named_table.h"
#include "experiments/bench_arguments.h"
#include "experiments/bench_sections.h"
#include "experiments/error_place.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

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
      if (entry.number > kLargestSize.value) {
        throw Error(entry.place.text(), "more than " + base::to_text(kLargestSize) + " of bytes",
                    "entries are plain bytes");
      }
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

void read_traffic(const BenchRequest& request, BenchCase& bench) {
  if (request.matrix.empty()) return;
  if (!request.skew.empty()) {
    throw Error("--matrix", "a matrix has its own skew", "leave --skew out");
  }
  bench.collective.traffic = read_matrix(request.matrix, bench.collective.ranks.size());
}

BenchCase case_of(const BenchVariant& variant, const JsonValue& given, const JsonValue& resolved) {
  const BenchRequest& request = variant.request;
  base::ReadReport report;
  const BenchSections sections = read_sections(resolved, report);
  topologies::validate(sections.cluster);
  BenchCase bench;
  bench.label = variant.label;
  bench.cluster_name = request.cluster;
  bench.cluster = sections.cluster;
  bench.protocol = sections.comm.protocol;
  bench.fidelity = request.fidelity.empty()
                       ? sections.network.fidelity
                       : parse_name<sim::Fidelity>(request.fidelity, "--fidelity");
  bench.skew = sections.routing.synthetic;
  bench.seed = request.seed;
  sim::BenchedCollective& collective = bench.collective;
  collective.kind = parse_name<sim::CollectiveKind>(request.collective, "--collective");
  if (collective.kind != sim::CollectiveKind::all_to_all) refuse_without_all_to_all(request);
  collective.algorithm = request.algorithm.empty()
                             ? default_algorithm(collective.kind, sections.comm)
                             : request.algorithm;
  collective.ranks = parse_ranks(request.ranks, topologies::count_ranks(bench.cluster));
  if (!request.message_bytes.empty()) {
    collective.message_bytes = parse_size(request.message_bytes, "--message-bytes");
  }
  read_traffic(request, bench);
  bench.warnings = base::placed_texts(report.warnings);
  const std::vector<std::string> more = without_effect(given, request, collective);
  bench.warnings.insert(bench.warnings.end(), more.begin(), more.end());
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

// Every variant once with each of the comparison's values.
std::vector<BenchVariant> expand(const std::vector<BenchVariant>& variants,
                                 const std::string& comparison) {
  const std::size_t equals = comparison.find('=');
  if (equals == std::string::npos || equals + 1 == comparison.size()) {
    throw Error("--compare", "\"" + comparison + "\" names no values",
                "write --compare fidelity=analytic,flow");
  }
  std::vector<BenchVariant> expanded;
  for (const BenchVariant& variant : variants) {
    for (const std::string& value : split(comparison.substr(equals + 1), ',')) {
      const std::string label = variant.label.empty() ? value : variant.label + ", " + value;
      expanded.push_back({label, with_value(variant.request, comparison.substr(0, equals), value)});
    }
  }
  return expanded;
}

}  // namespace

std::vector<BenchVariant> bench_variants(const BenchRequest& request,
                                         const std::vector<std::string>& comparisons) {
  std::vector<BenchVariant> variants{{"", request}};
  for (const std::string& comparison : comparisons) variants = expand(variants, comparison);
  return variants;
}

BenchCase bench_case(const BenchVariant& variant) {
  const JsonValue given = given_document(variant.request);
  const JsonValue resolved = resolved_sections(given, variant.request);
  try {
    return case_of(variant, given, resolved);
  } catch (const Error& error) {
    throw with_place(error, resolved, base::struct_codec_of<BenchSections>());
  }
}

}  // namespace moesim::experiments
