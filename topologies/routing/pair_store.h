// SPDX-License-Identifier: Apache-2.0
// Lists that stay where they are, found by (source, destination).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace moesim::topologies {

// Pages of destinations are made when first used, so that a sparse pattern on many endpoints stays
// small.
template <class Element>
class PairStore {
 public:
  explicit PairStore(int num_endpoints) : rows_(static_cast<std::size_t>(num_endpoints)) {}

  // The place of one list; data() is null until it is set.
  std::span<const Element>& at(int source, int destination) {
    std::vector<Page>& row = rows_[static_cast<std::size_t>(source)];
    if (row.empty()) row.resize(rows_.size() / kPage + 1);
    Page& page = row[static_cast<std::size_t>(destination) / kPage];
    if (page == nullptr) page = std::make_unique<std::span<const Element>[]>(kPage);
    return page[static_cast<std::size_t>(destination) % kPage];
  }

  // Copies the elements to memory that never moves.
  std::span<const Element> keep(std::span<const Element> list) {
    if (chunk_left_ < list.size()) {
      chunk_left_ = std::max(kChunk, list.size());
      chunks_.push_back(std::make_unique<Element[]>(chunk_left_));
      chunk_end_ = chunks_.back().get();
    }
    Element* begin = chunk_end_;
    chunk_end_ = std::copy(list.begin(), list.end(), begin);
    chunk_left_ -= list.size();
    return {begin, list.size()};
  }

  // No pair has a list any more; what keep() returned stays.
  void forget() {
    for (std::vector<Page>& row : rows_) row.clear();
  }

 private:
  static constexpr std::size_t kPage = 64;
  static constexpr std::size_t kChunk = 1 << 16;
  using Page = std::unique_ptr<std::span<const Element>[]>;

  std::vector<std::vector<Page>> rows_;
  std::vector<std::unique_ptr<Element[]>> chunks_;
  Element* chunk_end_ = nullptr;
  std::size_t chunk_left_ = 0;
};

}  // namespace moesim::topologies
