// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/flow_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "sim/network/collective_load.h"
#include "sim/network/simgrid/engine.h"

namespace moesim::sim {
namespace {

// A collective whose messages are on their way. Ranks are told by their position in `ranks`.
struct InFlight {
  Collective collective;
  base::Seconds begin;
  base::Seconds floor;
  std::uint64_t sequence = 0;
  std::vector<base::Seconds> rank_end;
  int messages_left = 0;
  std::function<void(const CollectiveEnd&)> done;

  void note_arrival(int rank, base::Seconds time) {
    const std::vector<int>& ranks = collective.ranks;
    const auto place = std::lower_bound(ranks.begin(), ranks.end(), rank);
    CHECK(place != ranks.end() && *place == rank, "messages stay among the participants");
    base::Seconds& end = rank_end[static_cast<std::size_t>(place - ranks.begin())];
    end = std::max(end, time);
  }
};

class FlowNetwork final : public Network {
 public:
  explicit FlowNetwork(topologies::Router& router)
      : router_(router), engine_(Engine::Model::flows, router.cluster()) {}

  base::Seconds now() const override { return engine_.now(); }
  void after(base::Seconds delay, std::function<void()> done) override {
    engine_.after(delay, std::move(done));
  }
  void start(const Collective& collective, std::function<void(const CollectiveEnd&)> done) override;
  void run() override { engine_.run(); }
  std::vector<LinkUse> link_use() const override { return engine_.link_use(); }

 private:
  void send_messages(const std::shared_ptr<InFlight>& flight);
  void finish(const std::shared_ptr<InFlight>& flight);

  topologies::Router& router_;
  Engine engine_;
};

void FlowNetwork::start(const Collective& collective,
                        std::function<void(const CollectiveEnd&)> done) {
  auto flight = std::make_shared<InFlight>();
  flight->collective = collective;
  flight->begin = now();
  flight->floor = floor_of(router_, collective);
  flight->sequence = engine_.next_sequence();
  flight->rank_end.assign(collective.ranks.size(), now() + collective.protocol_latency);
  flight->done = std::move(done);
  engine_.after(collective.protocol_latency, [this, flight] { send_messages(flight); });
}

void FlowNetwork::send_messages(const std::shared_ptr<InFlight>& flight) {
  for (const topologies::Transfer& transfer : flight->collective.transfers) {
    if (transfer.bytes.value <= 0 || transfer.source == transfer.destination) continue;
    ++flight->messages_left;
    engine_.start_message(
        router_.route(transfer.source, transfer.destination),
        // SimGrid counts whole bytes.
        static_cast<std::uint64_t>(std::ceil(transfer.bytes.value)),
        router_.latency(transfer.source, transfer.destination),
        [this, flight, source = transfer.source, destination = transfer.destination] {
          flight->note_arrival(source, now());
          flight->note_arrival(destination, now());
          if (--flight->messages_left == 0) finish(flight);
        });
  }
  if (flight->messages_left == 0) finish(flight);
}

void FlowNetwork::finish(const std::shared_ptr<InFlight>& flight) {
  const base::Seconds end = engine_.end_of(flight->begin, flight->floor);
  engine_.at(end, flight->sequence, [flight, end] { flight->done({end, flight->rank_end}); });
}

}  // namespace

std::unique_ptr<Network> make_flow_network(topologies::Router& router) {
  return std::make_unique<FlowNetwork>(router);
}

}  // namespace moesim::sim
