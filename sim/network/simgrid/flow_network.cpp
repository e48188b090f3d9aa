// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/flow_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "sim/network/collective_load.h"
#include "sim/network/cut_off.h"
#include "sim/network/longest_time.h"
#include "sim/network/round_tracker.h"
#include "sim/network/simgrid/engine.h"
#include "sim/network/simgrid/flows.h"

namespace moesim::sim {
namespace {

// A collective whose messages are on their way. Ranks are told by their position in `ranks`.
struct InFlight {
  explicit InFlight(const Collective& of) : collective(of), tracker(collective) {}

  Collective collective;
  RoundTracker tracker;
  base::Seconds begin;
  base::Seconds floor;
  std::uint64_t sequence = 0;
  std::vector<base::Seconds> rank_end;
  int messages_left = 0;
  std::function<void(const CollectiveEnd&)> done;

  // Reducers are nobody's rank.
  void note_arrival(int endpoint, int num_ranks, base::Seconds time) {
    if (endpoint >= num_ranks) return;
    const std::vector<int>& ranks = collective.ranks;
    const auto place = std::lower_bound(ranks.begin(), ranks.end(), endpoint);
    CHECK(place != ranks.end() && *place == endpoint, "messages stay among the participants");
    base::Seconds& end = rank_end[static_cast<std::size_t>(place - ranks.begin())];
    end = std::max(end, time);
  }
};

class FlowNetwork final : public Network {
 public:
  explicit FlowNetwork(topologies::Router& router)
      : router_(router), engine_(Engine::Model::flows, router.cluster()), flows_(engine_, router) {}

  base::Seconds now() const override { return engine_.now(); }
  void after(base::Seconds delay, std::function<void()> done) override {
    engine_.after(delay, std::move(done));
  }
  void prepare(std::span<const Collective>) override {}
  void start(const Collective& collective, std::function<void(const CollectiveEnd&)> done) override;
  void plan_change(ClusterChange change) override;
  void run() override { engine_.run(); }
  Repetition repetition() const override { return {}; }
  std::vector<LinkUse> link_use() const override { return engine_.link_use(); }

 private:
  using Flight = std::shared_ptr<InFlight>;

  void send(const Flight& flight, const std::vector<int>& messages);
  void send_now(const Flight& flight, int message);
  void arrive(const Flight& flight, int message);
  void finish(const Flight& flight);
  void apply(const ClusterChange& change);

  topologies::Router& router_;
  Engine engine_;
  Flows flows_;
  std::vector<Flight> flights_;  // in the order of their starts
  std::string cause_;            // of the latest change of the cluster
};

void FlowNetwork::start(const Collective& collective,
                        std::function<void(const CollectiveEnd&)> done) {
  auto flight = std::make_shared<InFlight>(collective);
  flight->begin = now();
  flight->floor =
      or_cut_off([&] { return floor_of(router_, collective); }, collective, now(), cause_);
  require_plausible_time(flight->begin + flight->floor);
  flight->sequence = engine_.next_sequence();
  flight->rank_end.assign(collective.ranks.size(), now() + collective.protocol_latency);
  flight->messages_left = flight->tracker.num_messages();
  flight->done = std::move(done);
  flights_.push_back(flight);
  engine_.after(collective.protocol_latency, [this, flight] {
    send(flight, flight->tracker.first_messages());
    if (flight->messages_left == 0) finish(flight);
  });
}

void FlowNetwork::send(const Flight& flight, const std::vector<int>& messages) {
  for (const int message : messages) {
    const base::Seconds wait = flight->tracker.wait_before(message);
    if (wait.value > 0) {
      engine_.after(wait, [this, flight, message] { send_now(flight, message); });
    } else {
      send_now(flight, message);
    }
  }
}

void FlowNetwork::send_now(const Flight& flight, int message) {
  or_cut_off(
      [&] {
        flows_.start(flight->collective, message,
                     [this, flight, message] { arrive(flight, message); });
      },
      flight->collective, now(), cause_);
}

void FlowNetwork::arrive(const Flight& flight, int message) {
  const topologies::Transfer& transfer = flight->collective.transfers[message];
  const int num_ranks = router_.cluster().num_ranks();
  flight->note_arrival(transfer.source, num_ranks, now());
  flight->note_arrival(transfer.destination, num_ranks, now());
  send(flight, flight->tracker.arrive(message));
  if (--flight->messages_left == 0) finish(flight);
}

void FlowNetwork::finish(const Flight& flight) {
  flights_.erase(std::find(flights_.begin(), flights_.end(), flight));
  const base::Seconds end = engine_.end_of(flight->begin, flight->floor);
  engine_.at(end, flight->sequence, [flight, end] {
    flight->done({end, flight->rank_end, flight->floor});
  });
}

void FlowNetwork::plan_change(ClusterChange change) {
  if (change.at.value <= 0) {
    apply(change);
    return;
  }
  const base::Seconds at = change.at;
  engine_.after(at, [this, change = std::move(change)] { apply(change); });
}

void FlowNetwork::apply(const ClusterChange& change) {
  cause_ = change.cause;
  router_.apply(change.links);
  for (const Flight& flight : flights_) flight->floor = now() - flight->begin;
  flows_.change_links(change.links, cause_);
}

}  // namespace

std::unique_ptr<Network> make_flow_network(topologies::Router& router, const NetworkOptions&) {
  return std::make_unique<FlowNetwork>(router);
}

}  // namespace moesim::sim
