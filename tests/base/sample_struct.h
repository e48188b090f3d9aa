// SPDX-License-Identifier: Apache-2.0
// A struct with one field of every type that field tables know, for the reader's tests.
#pragma once

#include "base/json_reader.h"

namespace moesim::base::sample {

enum class Policy { probs, position };

inline EnumNames<Policy> names_of(Policy) {
  return {{Policy::probs, "probs"}, {Policy::position, "position"}};
}

struct Link {
  BytesPerSecond rate;
  Seconds latency{1e-6};
  bool operator==(const Link&) const = default;
};

inline void describe(FieldTable& table, Link& link) {
  table.title("link", "One cable.");
  table.field("rate", link.rate, "Bytes a second, one direction.").required().above(0);
  table.field("latency", link.latency, "End to end.").at_most(1);
}

struct RouterConfig {
  std::optional<double> capacity_factor;
  Policy token_drop_policy = Policy::probs;
  bool operator==(const RouterConfig&) const = default;
};

inline void describe(FieldTable& table, RouterConfig& router) {
  table.field("capacity_factor", router.capacity_factor, "Slots per expert; null = dropless.")
      .alias("moe_expert_capacity_factor")
      .above(0);
  table.field("token_drop_policy", router.token_drop_policy, "Which pairs a full expert drops.")
      .used_when(router.capacity_factor.has_value(), "capacity_factor is set");
}

struct Sample {
  std::string name;
  bool enabled = true;
  int num_experts = 8;
  std::int64_t offset = -1;
  std::uint64_t seed = 0;
  double scale = 1.5;
  Seconds latency{2e-6};
  Bytes memory{80e9};
  FlopsPerSecond peak{989e12};
  std::vector<int> sizes = {1, 2};
  std::map<std::string, double> weights;
  std::optional<Link> uplink;
  std::vector<Link> links;
  RouterConfig router;
  JsonValue extra;
};

inline void describe(FieldTable& table, Sample& sample) {
  table.field("name", sample.name, "What it is called.").required();
  table.field("enabled", sample.enabled, "Whether it counts.");
  table.field("num_experts", sample.num_experts, "Routed experts | all layers.")
      .alias("num_local_experts")
      .alias("n_routed_experts")
      .at_least(1)
      .at_most(4096);
  table.field("offset", sample.offset, "A signed number.");
  table.field("seed", sample.seed, "Of the random streams.");
  table.field("scale", sample.scale, "A factor.").above(0).at_most(10);
  table.field("latency", sample.latency, "A time.").at_least(1e-9);
  table.field("memory", sample.memory, "A size.");
  table.field("peak", sample.peak, "A compute rate.");
  table.field("sizes", sample.sizes, "A list.").at_least(0);
  table.field("weights", sample.weights, "By name.").at_most(1);
  table.field("uplink", sample.uplink, "The way out.");
  table.field("links", sample.links, "The cables.");
  table.field("router", sample.router, "How tokens choose.");
  table.field("extra", sample.extra, "Kept as it is.");
}

}  // namespace moesim::base::sample
