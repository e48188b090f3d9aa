// SPDX-License-Identifier: Apache-2.0
// Routes that stay where they are, found by (source, destination).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace moesim::topologies {

// Pages of destinations are made when first used, so that a sparse pattern on many endpoints stays
// small.
class RouteStore {
 public:
  explicit RouteStore(int num_endpoints) : rows_(static_cast<std::size_t>(num_endpoints)) {}

  // The place of one route; data() is null until it is set.
  std::span<const int>& at(int source, int destination) {
    std::vector<Page>& row = rows_[static_cast<std::size_t>(source)];
    if (row.empty()) row.resize(rows_.size() / kPage + 1);
    Page& page = row[static_cast<std::size_t>(destination) / kPage];
    if (page == nullptr) page = std::make_unique<std::span<const int>[]>(kPage);
    return page[static_cast<std::size_t>(destination) % kPage];
  }

  // Copies the links to memory that never moves.
  std::span<const int> keep(std::span<const int> links) {
    if (chunk_left_ < links.size()) {
      chunk_left_ = std::max(kChunk, links.size());
      chunks_.push_back(std::make_unique<int[]>(chunk_left_));
      chunk_end_ = chunks_.back().get();
    }
    int* begin = chunk_end_;
    chunk_end_ = std::copy(links.begin(), links.end(), begin);
    chunk_left_ -= links.size();
    return {begin, links.size()};
  }

  // No pair has a route any more; what keep() returned stays.
  void forget() {
    for (std::vector<Page>& row : rows_) row.clear();
  }

 private:
  static constexpr std::size_t kPage = 64;
  static constexpr std::size_t kChunk = 1 << 16;
  using Page = std::unique_ptr<std::span<const int>[]>;

  std::vector<std::vector<Page>> rows_;
  std::vector<std::unique_ptr<int[]>> chunks_;
  int* chunk_end_ = nullptr;
  std::size_t chunk_left_ = 0;
};

}  // namespace moesim::topologies
