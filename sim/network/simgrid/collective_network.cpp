// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/collective_network.h"

#include <utility>

#include "sim/network/collective_load.h"
#include "sim/network/fair_makespan.h"
#include "sim/network/simgrid/engine.h"

namespace moesim::sim {
namespace {

// How far the busiest link's time and the fair makespan may differ where they are the same.
constexpr double kRounding = 1e-9;

class CollectiveNetwork final : public Network {
 public:
  explicit CollectiveNetwork(topologies::Router& router)
      : router_(router),
        engine_(Engine::Model::parallel_tasks, router.cluster()),
        fair_makespan_(router) {}

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
  FairMakespan fair_makespan_;
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
  // that the collective alone ends exactly at its floor, or later by what fair sharing costs it.
  const base::Seconds latency = floor - load.busiest_link;
  const base::Seconds fair = fair_makespan_.of(collective);
  const base::Seconds pace = fair > load.busiest_link * (1 + kRounding) ? fair : base::Seconds(0);
  engine_.after(latency, [this, links = std::move(load.links), pace, finish = std::move(finish)] {
    if (links.empty()) {
      finish();
    } else {
      engine_.start_task(links, pace, finish);
    }
  });
}

}  // namespace

std::unique_ptr<Network> make_collective_network(topologies::Router& router) {
  return std::make_unique<CollectiveNetwork>(router);
}

}  // namespace moesim::sim
