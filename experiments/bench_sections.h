// SPDX-License-Identifier: Apache-2.0
// What of an experiment counts for a collective by itself: its sections cluster, comm, network and
// routing.synthetic, from a preset or a file, with what flags set in them.
#pragma once

#include "base/json_reader.h"
#include "experiments/bench_request.h"
#include "sim/scenario.h"

namespace moesim::experiments {

struct BenchRouting {
  sim::SyntheticSettings synthetic;
};

struct BenchSections {
  topologies::ClusterConfig cluster;
  sim::CommConfig comm;
  sim::NetworkConfig network;
  BenchRouting routing;
};

void describe(base::FieldTable& table, BenchRouting& routing);
void describe(base::FieldTable& table, BenchSections& sections);

// The file or the preset that the request names, with its --set assignments. Throws base::Error
// where they set another section, and where the file has no cluster section.
base::JsonValue given_document(const BenchRequest& request);

// The sections alone, presets in place, and with what --ranks and --skew say of them: a cluster
// that lacks num_nodes gets as many as the first N ranks need. Throws base::Error.
base::JsonValue resolved_sections(const base::JsonValue& given, const BenchRequest& request);

// Reads what resolved_sections() gave. Throws base::Error.
BenchSections read_sections(const base::JsonValue& resolved, base::ReadReport& report);

// Keys and flags that change nothing of this collective, though they would of another one or of a
// whole step: sentences in the words in which the reader tells of keys without effect.
std::vector<std::string> without_effect(const base::JsonValue& given, const BenchRequest& request,
                                        const sim::BenchedCollective& collective);

}  // namespace moesim::experiments
