// SPDX-License-Identifier: Apache-2.0
// A look at DOT before Boost's reader sees it, which recurses by subgraph, multiplies the ends of
// edges between subgraphs, copies defaults to every node, and names no lines.
#pragma once

#include <string>
#include <string_view>

namespace moesim::topologies {

// Throws base::Error with `name` and the line on subgraphs (any brace within the graph's), `strict`
// and undirected graphs, node and edge defaults, HTML texts, ports, texts that do not end or are
// longer than 1,000 bytes, and more than 8,000,000 words.
void scan_dot(std::string_view text, const std::string& name);

}  // namespace moesim::topologies
