// SPDX-License-Identifier: Apache-2.0
// A router for each thread, all with the routes of one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "topologies/routing.h"

namespace moesim::sim {

class RouterPool {
 public:
  // `router` must outlive this, and be asked by nobody else while for_each() runs.
  RouterPool(topologies::Router& router, int threads);

  topologies::Router& router() { return router_; }

  // Calls work(router, i) once for every i in [0, count), in no particular order; see
  // base::parallel_for.
  void for_each(int count, const std::function<void(topologies::Router&, int)>& work);

  // After a change of `router`.
  void renew();

 private:
  topologies::Router& of_thread(int thread);

  topologies::Router& router_;
  std::vector<std::unique_ptr<topologies::Router>> others_;  // [threads - 1], null until needed
};

// Blocks of equally many messages, the last of fewer: their bounds hang on the messages alone, so
// that what is summed block by block is the same on any number of threads.
inline constexpr std::size_t kBlock = std::size_t{1} << 18;
std::size_t num_blocks(std::span<const topologies::Transfer> transfers);

// Calls work(router, i, block) once for every block, in no particular order.
void for_each_block(RouterPool& routers, std::span<const topologies::Transfer> transfers,
                    const std::function<void(topologies::Router&, int,
                                             std::span<const topologies::Transfer>)>& work);

}  // namespace moesim::sim
