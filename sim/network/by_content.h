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
  // Transfers to remember: 32 MiB.
  static constexpr std::size_t kMostTransfers = std::size_t{1} << 21;

  // The value of an equal collective, or that of `work_out(collective)`. It stays valid while
  // somebody holds it.
  template <class WorkOut>
  std::shared_ptr<const Value> of(const Collective& collective, const WorkOut& work_out) {
    ++repetition_.collectives;
    const std::uint64_t key = content_hash(collective);
    const auto [begin, end] = known_.equal_range(key);
    for (auto it = begin; it != end; ++it) {
      if (it->second.is(collective)) return it->second.value;
    }
    ++repetition_.worked_out;
    auto value = std::make_shared<const Value>(work_out(collective));
    remember(key, collective, value);
    return value;
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

  void remember(std::uint64_t key, const Collective& collective,
                const std::shared_ptr<const Value>& value) {
    const std::size_t more = collective.transfers.size();
    if (more > kMostTransfers) return;
    if (transfers_ + more > kMostTransfers) forget();
    transfers_ += more;
    known_.emplace(
        key, Known{collective.transfers, collective.rounds, collective.protocol_latency, value});
  }

  std::unordered_multimap<std::uint64_t, Known> known_;  // looked up, never walked
  std::size_t transfers_ = 0;
  Repetition repetition_;
};

}  // namespace moesim::sim
