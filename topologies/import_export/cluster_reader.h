// SPDX-License-Identifier: Apache-2.0
// Puts a cluster together from vertices and links that a file describes by keys and texts.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/field_codec.h"
#include "base/json_value.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

base::EnumNames<VertexKind> names_of(VertexKind);
base::EnumNames<LinkKind> names_of(LinkKind);

// Vertices have name and kind, and may have node, rank, tier, place ("0 3": integers), reducer
// ("true" or "false"); links have kind, bandwidth ("50 GB/s"), latency ("1 us"), and may have name
// (else "from->to"). A field whose text is empty is one that is not given.
struct Attribute {
  std::string key;
  std::string value;
};
using Attributes = std::vector<Attribute>;

Attributes attributes_of(const Cluster& cluster, std::size_t vertex);
Attributes attributes_of(const Link& link);

class ClusterReader {
 public:
  explicit ClusterReader(std::string file);

  // A place of the file; line 0 where it is not known.
  base::Place at(int line, int column = 0) const;

  // Throws base::Error at `place` on an unknown key (with did_you_mean), a key given twice, one
  // that is missing or malformed, a name that is taken, an unknown end, and more than fits
  // (cluster_checks.h).
  void add_vertex(const Attributes& attributes, const base::Place& place);
  void add_link(const std::string& from, const std::string& to, const Attributes& attributes,
                const base::Place& place);

  const std::string& name_of(std::size_t vertex) const { return cluster_.vertices[vertex].name; }

  // The whole, checked by check_cluster. Accelerators are ranks in their order where none says its
  // rank; num_nodes is one more than the largest node.
  Cluster finish() &&;

 private:
  int vertex_of(const std::string& name, const char* end, const base::Place& place) const;

  std::shared_ptr<const std::string> file_;
  Cluster cluster_;
  std::vector<base::Place> vertex_places_;
  std::vector<base::Place> link_places_;
  std::unordered_map<std::string, int> vertex_of_name_;  // looked up only, never walked
  bool has_ranks_ = false;
};

}  // namespace moesim::topologies
