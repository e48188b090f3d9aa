// SPDX-License-Identifier: Apache-2.0
// Routing recorded in a file and replayed (docs/file_formats.md, "Routing trace").
//
// The file: the line "moesim routing trace 1", a line of JSON with the sizes, then for every
// micro-batch, rank and layer, in that order, the experts [tokens, top_k] as little-endian uint16
// and the weights [tokens, top_k] as little-endian float32.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sim/routing/routing_source.h"

namespace moesim::sim {

// Reads the whole file and checks every decision. Throws base::Error naming the file and what is
// wrong: not such a file, truncated, longer than its header says, sizes other than `demand`'s, an
// expert out of range or twice for one token, weights that are negative or not finite.
std::unique_ptr<RoutingSource> read_routing_trace(const std::filesystem::path& path,
                                                  const RoutingDemand& demand);

// What `source` decides for the whole step, as the bytes of such a file; replayed, it gives the
// same plan byte for byte. Throws base::Error when there are more than 65,536 experts.
std::string render_routing_trace(const RoutingSource& source, const RoutingDemand& demand);

}  // namespace moesim::sim
