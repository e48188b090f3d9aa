// SPDX-License-Identifier: Apache-2.0
#include "sim/network/router_pool.h"

#include <algorithm>

#include "base/parallel.h"

namespace moesim::sim {

RouterPool::RouterPool(topologies::Router& router, int threads)
    : router_(router), others_(static_cast<std::size_t>(std::max(threads, 1) - 1)) {}

void RouterPool::for_each(int count, const std::function<void(topologies::Router&, int)>& work) {
  const int threads = static_cast<int>(others_.size()) + 1;
  base::parallel_for_by_thread(count, threads,
                               [&](int i, int thread) { work(of_thread(thread), i); });
}

void RouterPool::renew() {
  for (std::unique_ptr<topologies::Router>& other : others_) other.reset();
}

// A thread makes its own: copying reads nothing that routing writes.
topologies::Router& RouterPool::of_thread(int thread) {
  if (thread == 0) return router_;
  std::unique_ptr<topologies::Router>& own = others_[thread - 1];
  if (!own) own = std::make_unique<topologies::Router>(router_);
  return *own;
}

std::size_t num_blocks(std::span<const topologies::Transfer> transfers) {
  return (transfers.size() + kBlock - 1) / kBlock;
}

void for_each_block(RouterPool& routers, std::span<const topologies::Transfer> transfers,
                    const std::function<void(topologies::Router&, int,
                                             std::span<const topologies::Transfer>)>& work) {
  const auto count = static_cast<int>(num_blocks(transfers));
  routers.for_each(count, [&](topologies::Router& router, int i) {
    const std::size_t begin = static_cast<std::size_t>(i) * kBlock;
    work(router, i, transfers.subspan(begin, std::min(kBlock, transfers.size() - begin)));
  });
}

}  // namespace moesim::sim
