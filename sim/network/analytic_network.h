// SPDX-License-Identifier: Apache-2.0
// Every collective as if it were alone on the cluster: it ends after floor_of, all ranks together.
// The oracle of tests and the floor of every other fidelity.
#pragma once

#include "sim/network/event_queue.h"
#include "sim/network/known_collectives.h"
#include "sim/network/network.h"

namespace moesim::sim {

class AnalyticNetwork final : public Network {
 public:
  explicit AnalyticNetwork(topologies::Router& router, const NetworkOptions& options = {})
      : router_(router), floors_(router, options.num_threads) {}

  base::Seconds now() const override { return now_; }
  void after(base::Seconds delay, std::function<void()> done) override;
  void prepare(std::span<const Collective> collectives) override { floors_.prepare(collectives); }
  void start(const Collective& collective, std::function<void(const CollectiveEnd&)> done) override;
  void plan_change(ClusterChange change) override;
  void run() override;
  Repetition repetition() const override { return floors_.repetition(); }
  std::vector<LinkUse> link_use() const override { return {}; }

 private:
  topologies::Router& router_;
  KnownFloors floors_;
  EventQueue events_;
  base::Seconds now_;
  std::string cause_;  // of the latest change of the cluster
};

}  // namespace moesim::sim
