// SPDX-License-Identifier: Apache-2.0
// How long a collective's messages need on an otherwise idle cluster when they share its links
// max-min fairly: longer than the busiest link's time where other links first keep that link from
// being busy, as thin uplinks do to a hot NIC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

class FairMakespan {
 public:
  // More messages than this (1,024 ranks, all to all) get the busiest link's time.
  static constexpr std::size_t kMostMessages = std::size_t{1} << 20;

  // `router` must outlive this.
  explicit FairMakespan(topologies::Router& router);

  // When the last message ends if all start at 0, latencies left out. Between the busiest link's
  // time max_l bytes_l / bandwidth_l and max over messages of the sum of those times over the
  // message's links: under max-min sharing each message always crosses a saturated link.
  // 64 messages or fewer: exact. More: by steps in time, see docs/models.md, "Network".
  base::Seconds of(const Collective& collective);

 private:
  struct Known {
    std::vector<topologies::Transfer> transfers;
    base::Seconds makespan;
  };

  base::Seconds solve(const Collective& collective) const;

  topologies::Router& router_;
  std::vector<int> channels_;  // [links] see channels_of
  // Dispatch and combine come again in the backward pass.
  std::unordered_multimap<std::uint64_t, Known> known_;  // looked up, never walked
  std::size_t known_transfers_ = 0;
};

}  // namespace moesim::sim
