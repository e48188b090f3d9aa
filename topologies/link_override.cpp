// SPDX-License-Identifier: Apache-2.0
#include "topologies/link_override.h"

#include "base/error.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

std::string nearest_link(const Cluster& cluster, const std::string& pattern) {
  std::vector<std::string> names;
  for (const Link& link : cluster.links) names.push_back(link.name);
  const std::string nearest = base::did_you_mean(pattern, names);
  if (!nearest.empty() || names.empty()) return nearest;
  return "links are called as \"" + names.front() + "\" and \"" + names.back() + "\"";
}

}  // namespace

void describe(base::FieldTable& table, LinkOverride& override) {
  table.title("link_override", "Links that differ from what the fabric gives them.");
  table
      .field("link", override.link,
             "A link's name, one direction (\"leaf0->spine1\"); each * stands for any characters.")
      .required();
  table.field("bandwidth", override.bandwidth, "Its bandwidth; null: as it is.").above(0);
  table.field("latency", override.latency, "Its latency; null: as it is.").at_least(0);
}

// Greedy: on a mismatch the last '*' takes one character more.
bool matches(const std::string& pattern, const std::string& name) {
  std::size_t p = 0;
  std::size_t after_star = std::string::npos;
  std::size_t resume = 0;
  for (std::size_t n = 0; n < name.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (after_star != std::string::npos) {
      p = after_star;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

void apply_overrides(Cluster& cluster, const std::vector<LinkOverride>& overrides) {
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const LinkOverride& override = overrides[i];
    const std::string where = "/cluster/link_overrides/" + std::to_string(i);
    require(override.bandwidth || override.latency, where, "it changes nothing",
            "give a bandwidth or a latency");
    if (override.bandwidth) require_bandwidth(*override.bandwidth, where + "/bandwidth");
    if (override.latency) require_latency(*override.latency, where + "/latency");
    bool found = false;
    for (Link& link : cluster.links) {
      if (!matches(override.link, link.name)) continue;
      found = true;
      if (override.bandwidth) link.bandwidth = *override.bandwidth;
      if (override.latency) link.latency = *override.latency;
    }
    if (!found) {
      throw base::Error(where + "/link", "no link is called \"" + override.link + "\"",
                        nearest_link(cluster, override.link));
    }
  }
}

}  // namespace moesim::topologies
