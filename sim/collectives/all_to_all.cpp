// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/named_table.h"
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {
namespace {

struct Algorithm {
  AllToAll id;
  const char* name;
  void (*send)(const Exchange&, Schedule&);
};

constexpr std::array<Algorithm, 7> kAlgorithms = {{
    {AllToAll::direct, "direct", send_direct},
    {AllToAll::hierarchical_dedup, "hierarchical_dedup", send_hierarchical_dedup},
    {AllToAll::pairwise, "pairwise", send_pairwise},
    {AllToAll::ring, "ring", send_round_the_ring},
    {AllToAll::bruck, "bruck", send_bruck},
    {AllToAll::hierarchical, "hierarchical", send_hierarchical},
    {AllToAll::low_latency, "low_latency", send_low_latency},
}};

void require_square(std::span<const base::Bytes> bytes, std::size_t ranks) {
  if (bytes.size() == ranks * ranks) return;
  throw base::Error(
      "all_to_all",
      std::to_string(bytes.size()) + " entries of bytes for " + std::to_string(ranks) + " ranks",
      "give " + std::to_string(ranks) + " x " + std::to_string(ranks) +
          ", one row per source and one column per destination");
}

void require_bytes(std::span<const base::Bytes> bytes, std::size_t ranks) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (std::isfinite(bytes[i].value) && bytes[i].value >= 0) continue;
    throw base::Error("all_to_all",
                      "rank " + std::to_string(i / ranks) + " sends rank " +
                          std::to_string(i % ranks) + " what is no number of bytes",
                      "every entry is finite and at least 0");
  }
}

void require_known_messages(AllToAll algorithm, base::Bytes message_bytes) {
  if (algorithm == AllToAll::hierarchical_dedup) {
    throw base::Error("all_to_all",
                      "hierarchical_dedup needs a layer's routing: bytes do not say which of them "
                      "are copies of one token",
                      "use hierarchical, or simulate a step with moesim run");
  }
  if (algorithm == AllToAll::low_latency && !(message_bytes.value > 0)) {
    throw base::Error("all_to_all", "low_latency sends messages of one size, and none is given",
                      "give the bytes of a token's row, as 7392 B for DeepSeek-V3 in fp8");
  }
}

}  // namespace

base::EnumNames<AllToAll> names_of(AllToAll) { return base::names_in(kAlgorithms); }

base::EnumNames<WireType> names_of(WireType) {
  return {{WireType::bf16, "bf16"}, {WireType::fp8, "fp8"}};
}

base::Bytes row_bytes(WireType type, int hidden_size) {
  if (type == WireType::bf16) return base::Bytes(2.0 * hidden_size);
  const int scales = (hidden_size + 127) / 128;
  return base::Bytes(hidden_size + 4.0 * scales);
}

Collective all_to_all(AllToAll algorithm, const Group& group, const DispatchPlan& plan,
                      Direction direction, base::Bytes bytes_per_row) {
  CHECK(static_cast<int>(group.ranks.size()) == plan.num_ranks, "the plan is the group's");
  std::vector<base::Bytes> bytes(plan.rows.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = plan.rows[i] * bytes_per_row;
  Schedule schedule(group);
  const Exchange exchange{group, bytes, &plan, bytes_per_row};
  base::row_of(kAlgorithms, algorithm).send(exchange, schedule);
  Collective collective = schedule.take(direction == Direction::from_experts);
  const auto pairs = std::accumulate(plan.rows.begin(), plan.rows.end(), std::int64_t{0});
  collective.payload = static_cast<double>(pairs) * bytes_per_row;
  for (const int tokens : plan.tokens) {
    collective.rows.most_tokens = std::max<std::int64_t>(collective.rows.most_tokens, tokens);
  }
  collective.rows.row = bytes_per_row;
  collective.rows.summed = direction == Direction::from_experts;
  return collective;
}

Collective all_to_all(AllToAll algorithm, const Group& group, std::span<const base::Bytes> bytes,
                      base::Bytes message_bytes) {
  require_square(bytes, group.ranks.size());
  require_bytes(bytes, group.ranks.size());
  require_known_messages(algorithm, message_bytes);
  Schedule schedule(group);
  const Exchange exchange{group, bytes, nullptr, message_bytes};
  base::row_of(kAlgorithms, algorithm).send(exchange, schedule);
  Collective collective = schedule.take(false);
  collective.payload = std::accumulate(bytes.begin(), bytes.end(), base::Bytes(0));
  return collective;
}

}  // namespace moesim::sim
