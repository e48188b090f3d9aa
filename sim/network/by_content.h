// SPDX-License-Identifier: Apache-2.0
// What has been worked out about collectives, found again by their content: messages, rounds and
// latency, never by who asks or when.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/collectives/collective.h"
#include "sim/network/network.h"

namespace moesim::sim {

// FNV-1a (Fowler, Noll, Vo) over the transfers, a word at a time.
std::uint64_t content_hash(const Collective& collective);
bool have_equal_content(const Collective& a, const Collective& b);

template <class Value>
class ByContent {
 public:
  // Transfers to remember: 64 MiB.
  static constexpr std::size_t kMostTransfers = std::size_t{1} << 22;

  // The value of an equal collective, or that of `work_out(collective)`. It stays valid while
  // somebody holds it. What has no room even when all else is forgotten is not kept.
  template <class WorkOut>
  std::shared_ptr<const Value> of(const Collective& collective, const WorkOut& work_out) {
    ++repetition_.collectives;
    if (collective.transfers.size() > kMostTransfers) {
      ++repetition_.worked_out;
      return std::make_shared<const Value>(work_out(collective));
    }
    const std::uint64_t hash = content_hash(collective);
    if (auto known = find(collective, hash)) return known;
    return remember(collective, hash, work_out(collective));
  }

  // Those that are not known, each content once, as far as there is room to remember them.
  std::vector<const Collective*> unknown_of(std::span<const Collective> collectives) const {
    std::vector<const Collective*> unknown;
    std::unordered_multimap<std::uint64_t, const Collective*> listed;
    std::size_t transfers = transfers_;
    for (const Collective& collective : collectives) {
      if (transfers + collective.transfers.size() > kMostTransfers) continue;
      const std::uint64_t hash = content_hash(collective);
      if (find(collective, hash)) continue;
      const auto [begin, end] = listed.equal_range(hash);
      const bool is_listed = std::any_of(begin, end, [&](const auto& other) {
        return have_equal_content(*other.second, collective);
      });
      if (is_listed) continue;
      listed.emplace(hash, &collective);
      unknown.push_back(&collective);
      transfers += collective.transfers.size();
    }
    return unknown;
  }

  // One of unknown_of(); counts as worked out.
  std::shared_ptr<const Value> remember(const Collective& collective, std::uint64_t hash,
                                        Value value) {
    ++repetition_.worked_out;
    auto kept = std::make_shared<const Value>(std::move(value));
    if (transfers_ + collective.transfers.size() > kMostTransfers) forget();
    transfers_ += collective.transfers.size();
    Collective content;
    content.transfers = collective.transfers;
    content.protocol_latency = collective.protocol_latency;
    content.rounds = collective.rounds;
    known_.emplace(hash, Known{std::move(content), kept});
    return kept;
  }

  void forget() {
    known_.clear();
    transfers_ = 0;
  }

  const Repetition& repetition() const { return repetition_; }

 private:
  struct Known {
    Collective content;  // the rest of it left out
    std::shared_ptr<const Value> value;
  };

  std::shared_ptr<const Value> find(const Collective& collective, std::uint64_t hash) const {
    const auto [begin, end] = known_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      if (have_equal_content(it->second.content, collective)) return it->second.value;
    }
    return nullptr;
  }

  std::unordered_multimap<std::uint64_t, Known> known_;  // looked up, never walked
  std::size_t transfers_ = 0;
  Repetition repetition_;
};

}  // namespace moesim::sim
