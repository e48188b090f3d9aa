// SPDX-License-Identifier: Apache-2.0
// What has been worked out about collectives, found again by their content: messages, rounds and
// latency, never by who asks or when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/collectives/collective.h"
#include "sim/network/network.h"

namespace moesim::sim {

// FNV-1a (Fowler, Noll, Vo) over the transfers, a word at a time.
std::uint64_t content_hash(const Collective& collective);

template <class Value>
class ByContent {
 public:
  // Transfers to remember: 64 MiB.
  static constexpr std::size_t kMostTransfers = std::size_t{1} << 22;

  // The value of an equal collective, or that of `work_out(collective)`. It stays valid while
  // somebody holds it.
  template <class WorkOut>
  std::shared_ptr<const Value> of(const Collective& collective, const WorkOut& work_out) {
    ++repetition_.collectives;
    if (auto known = find(collective)) return known;
    return remember(collective, work_out(collective));
  }

  bool knows(const Collective& collective) const { return find(collective) != nullptr; }
  bool has_room(const Collective& collective) const {
    return transfers_ + collective.transfers.size() <= kMostTransfers;
  }

  // Counts as worked out. What has no room even when all else is forgotten is not kept.
  std::shared_ptr<const Value> remember(const Collective& collective, Value value) {
    ++repetition_.worked_out;
    auto kept = std::make_shared<const Value>(std::move(value));
    if (collective.transfers.size() > kMostTransfers) return kept;
    if (!has_room(collective)) forget();
    transfers_ += collective.transfers.size();
    known_.emplace(content_hash(collective), Known{collective.transfers, collective.rounds,
                                                   collective.protocol_latency, kept});
    return kept;
  }

  void forget() {
    known_.clear();
    transfers_ = 0;
  }

  const Repetition& repetition() const { return repetition_; }

 private:
  struct Known {
    std::vector<topologies::Transfer> transfers;
    std::vector<Round> rounds;
    base::Seconds protocol_latency;
    std::shared_ptr<const Value> value;

    bool is(const Collective& collective) const {
      return protocol_latency == collective.protocol_latency && rounds == collective.rounds &&
             transfers == collective.transfers;
    }
  };

  std::shared_ptr<const Value> find(const Collective& collective) const {
    if (collective.transfers.size() > kMostTransfers) return nullptr;
    const auto [begin, end] = known_.equal_range(content_hash(collective));
    for (auto it = begin; it != end; ++it) {
      if (it->second.is(collective)) return it->second.value;
    }
    return nullptr;
  }

  std::unordered_multimap<std::uint64_t, Known> known_;  // looked up, never walked
  std::size_t transfers_ = 0;
  Repetition repetition_;
};

}  // namespace moesim::sim
