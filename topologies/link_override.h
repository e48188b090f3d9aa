// SPDX-License-Identifier: Apache-2.0
// Links that differ from what their builder gives them: found by name, changed one direction at a
// time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

struct LinkOverride {
  std::string link;  // a link's name, in which each * stands for any characters: "leaf0->spine*"
  std::optional<base::BytesPerSecond> bandwidth;
  std::optional<base::Seconds> latency;
};

void describe(base::FieldTable& table, LinkOverride& override);

// True when `name` is `pattern` with every '*' replaced by some characters, maybe none.
bool matches(const std::string& pattern, const std::string& name);

// Changes the links that each override names, in order. Throws base::Error at
// "/cluster/link_overrides/<index>/..." when one changes nothing or matches no link (with the
// nearest name), or a value cannot be a link's.
void apply_overrides(Cluster& cluster, const std::vector<LinkOverride>& overrides);

}  // namespace moesim::topologies
