// SPDX-License-Identifier: Apache-2.0
// A cluster's graph read from files and written to them. What is written reads back to an equal
// Cluster (operator==, in every format), so that simulated times agree to the last bit.
#pragma once

#include <string>
#include <string_view>

#include "base/field_codec.h"
#include "topologies/cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {

// json: moesim's own graph file. simgrid_xml: a SimGrid platform with one route for every pair of
// ranks (SimGrid's programs and SMPI run on it). graphml and dot: by Boost.Graph. Keys and
// elements: docs/file_formats.md.
enum class Format { json, simgrid_xml, graphml, dot };
base::EnumNames<Format> names_of(Format);

// The format that a file's ending names: .json, .xml, .graphml, .dot (or .gv). Throws base::Error.
Format format_of(const std::string& path);

// Whether the name's ending is that of a graph format alone, or a .json file names moesim's. Throws
// base::Error when a .json file cannot be read.
bool is_graph_file(const std::string& path);

// Reads a file of at most 64 MiB. Throws base::Error (file and, where known, line) on anything that
// is not a cluster whose accelerators all reach each other.
Cluster read_cluster(const std::string& path);

// The same from text; `name` stands for the file in errors.
Cluster cluster_from_text(std::string_view text, Format format, const std::string& name);

// Of simgrid_xml alone `routing` decides what the routes are; the policy must have one way per
// pair. Throws base::Error where the cluster is not one that reads back (cluster_checks.h), and for
// simgrid_xml with more than 256 ranks.
std::string to_text(const Cluster& cluster, Format format, const RoutingOptions& routing = {});

// Writes the file in the format that its ending names. Throws base::Error, also when it cannot be
// written.
void write_cluster(const Cluster& cluster, const std::string& path,
                   const RoutingOptions& routing = {});

}  // namespace moesim::topologies
