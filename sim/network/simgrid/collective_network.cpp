// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/collective_network.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sim/network/cut_off.h"
#include "sim/network/known_collectives.h"
#include "sim/network/longest_time.h"
#include "sim/network/simgrid/engine.h"
#include "sim/network/simgrid/parallel_tasks.h"

namespace moesim::sim {
namespace {

constexpr ParallelTasks::Id kNoTask = -1;
// Few ranks may still be in many collectives at a time.
constexpr int kLeastAtOnce = 64;

// A collective from its start to its end.
struct InFlight {
  std::shared_ptr<const AloneTimes> times;
  Collective collective;  // kept only while the cluster may still change
  base::Seconds begin;
  base::Seconds floor;
  std::uint64_t sequence = 0;
  std::size_t num_ranks = 0;
  ParallelTasks::Id task = kNoTask;  // once bytes move
  std::function<void(const CollectiveEnd&)> done;
};

class CollectiveNetwork final : public Network {
 public:
  CollectiveNetwork(topologies::Router& router, int most_at_once, int num_threads)
      : router_(router),
        known_(router, num_threads),
        engine_(Engine::Model::parallel_tasks, router.cluster(), most_at_once),
        tasks_(engine_, router.cluster()) {}

  base::Seconds now() const override { return engine_.now(); }
  void after(base::Seconds delay, std::function<void()> done) override {
    engine_.after(delay, std::move(done));
  }
  void prepare(std::span<const Collective> collectives) override { known_.prepare(collectives); }
  void start(const Collective& collective, std::function<void(const CollectiveEnd&)> done) override;
  void plan_change(ClusterChange change) override;
  void run() override { engine_.run(); }
  Repetition repetition() const override { return known_.repetition(); }
  std::vector<LinkUse> link_use() const override { return engine_.link_use(); }

 private:
  void carry(const std::shared_ptr<InFlight>& flight);
  void finish(const std::shared_ptr<InFlight>& flight);
  void apply(const ClusterChange& change);
  std::shared_ptr<const AloneTimes> times_of(const Collective& collective) {
    return or_cut_off([&] { return known_.of(collective); }, collective, now(), cause_);
  }

  topologies::Router& router_;
  KnownCollectives known_;
  Engine engine_;
  ParallelTasks tasks_;
  std::vector<std::shared_ptr<InFlight>> flights_;  // in the order of their starts
  int changes_to_come_ = 0;
  std::string cause_;  // of the latest change of the cluster
};

void CollectiveNetwork::start(const Collective& collective,
                              std::function<void(const CollectiveEnd&)> done) {
  auto flight = std::make_shared<InFlight>();
  flight->times = times_of(collective);
  if (changes_to_come_ > 0) flight->collective = collective;
  flight->begin = now();
  flight->floor = flight->times->load.floor;
  require_plausible_time(flight->begin + flight->floor);
  flight->sequence = engine_.next_sequence();
  flight->num_ranks = collective.ranks.size();
  flight->done = std::move(done);
  flights_.push_back(flight);
  engine_.after(flight->times->latency, [this, flight] { carry(flight); });
}

void CollectiveNetwork::carry(const std::shared_ptr<InFlight>& flight) {
  if (flight->times->load.links.empty()) {
    finish(flight);
    return;
  }
  flight->task = tasks_.start(flight->times->load.links, flight->times->carrying,
                              [this, flight] { finish(flight); });
}

void CollectiveNetwork::finish(const std::shared_ptr<InFlight>& flight) {
  flights_.erase(std::find(flights_.begin(), flights_.end(), flight));
  const base::Seconds end = engine_.end_of(flight->begin, flight->floor);
  engine_.at(end, flight->sequence, [flight, end] {
    flight->done({end, std::vector<base::Seconds>(flight->num_ranks, end), flight->floor});
  });
}

void CollectiveNetwork::plan_change(ClusterChange change) {
  ++changes_to_come_;
  if (change.at.value <= 0) {
    apply(change);
    return;
  }
  const base::Seconds at = change.at;
  engine_.after(at, [this, change = std::move(change)] { apply(change); });
}

// Collectives that load a changed link go on by new loads at a new pace, with what they have left.
void CollectiveNetwork::apply(const ClusterChange& change) {
  --changes_to_come_;
  cause_ = change.cause;
  router_.apply(change.links);
  known_.forget();
  for (const topologies::LinkChange& link : change.links) {
    if (link.up) engine_.set_bandwidth(link.link, link.bandwidth);
  }
  for (const std::shared_ptr<InFlight>& flight : flights_) {
    const auto& loads = flight->times->load.links;
    const bool affected = std::any_of(change.links.begin(), change.links.end(), [&](const auto& c) {
      const auto load = std::lower_bound(
          loads.begin(), loads.end(), c.link,
          [](const topologies::LinkLoad& l, int wanted) { return l.link < wanted; });
      return load != loads.end() && load->link == c.link;
    });
    if (!affected) continue;
    flight->times = times_of(flight->collective);
    flight->floor = now() - flight->begin;
    if (flight->task == kNoTask) continue;
    tasks_.change(flight->task, flight->times->load.links, flight->times->carrying);
  }
}

}  // namespace

std::unique_ptr<Network> make_collective_network(topologies::Router& router,
                                                 const NetworkOptions& options) {
  const int most = options.most_at_once > 0 ? options.most_at_once
                                            : std::max(kLeastAtOnce, router.cluster().num_ranks());
  return std::make_unique<CollectiveNetwork>(router, most, options.num_threads);
}

}  // namespace moesim::sim
