// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/collective_network.h"

#include <utility>

#include "sim/network/collective_load.h"
#include "sim/network/simgrid/engine.h"

namespace moesim::sim {
namespace {

class CollectiveNetwork final : public Network {
 public:
  explicit CollectiveNetwork(topologies::Router& router)
      : router_(router), engine_(Engine::Model::parallel_tasks, router.cluster()) {}

  base::Seconds now() const override { return engine_.now(); }
  void after(base::Seconds delay, std::function<void()> done) override {
    engine_.after(delay, std::move(done));
  }
  void start(const Collective& collective, std::function<void(const CollectiveEnd&)> done) override;
  void run() override { engine_.run(); }
  std::vector<LinkUse> link_use() const override { return engine_.link_use(); }

 private:
  topologies::Router& router_;
  Engine engine_;
};

void CollectiveNetwork::start(const Collective& collective,
                              std::function<void(const CollectiveEnd&)> done) {
  CollectiveLoad load = load_of(router_, collective);
  const base::Seconds begin = now();
  const base::Seconds floor = load.floor;
  const std::uint64_t sequence = engine_.next_sequence();
  auto finish = [this, done = std::move(done), num_ranks = collective.ranks.size(), begin, floor,
                 sequence] {
    const base::Seconds end = engine_.end_of(begin, floor);
    engine_.at(end, sequence, [done, num_ranks, end] {
      done({end, std::vector<base::Seconds>(num_ranks, end)});
    });
  };
  // Whatever of the floor is not the busiest link's time is latency: paid before any byte moves, so
  // that the collective alone ends exactly at its floor.
  const base::Seconds latency = floor - load.busiest_link;
  engine_.after(latency, [this, links = std::move(load.links), finish = std::move(finish)] {
    if (links.empty()) {
      finish();
    } else {
      engine_.start_task(links, finish);
    }
  });
}

}  // namespace

std::unique_ptr<Network> make_collective_network(topologies::Router& router) {
  return std::make_unique<CollectiveNetwork>(router);
}

}  // namespace moesim::sim
