// SPDX-License-Identifier: Apache-2.0
// Messages as flows of SimGrid: one for each way that a message takes, max-min fair with the
// others, and what happens to them when links change under way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/network/simgrid/engine.h"
#include "topologies/routing.h"

namespace moesim::sim {

class Flows {
 public:
  // Both must outlive this.
  Flows(Engine& engine, topologies::Router& router);

  // Sends a message of the collective, which outlives it and carries bytes (see carries()): rounded
  // up to whole ones on each of its ways, after its latency. `done` when the last has arrived.
  // Throws base::Error without route.
  void start(const Collective& collective, int message, std::function<void()> done);

  // After Router::apply. What is on its way over a link that went down goes over another with what
  // it has left, from its source and with that way's latency. Throws base::Error without route,
  // after `cause`.
  void change_links(std::span<const topologies::LinkChange> changes, const std::string& cause);

 private:
  // A transfer and the flows that carry it.
  struct Message {
    const Collective& collective;
    topologies::Transfer transfer;
    std::function<void()> done;
    int flows_left = 0;
  };

  struct Flow {
    std::shared_ptr<Message> message;
    topologies::Path path;
    base::Seconds moves_at;  // its latency has passed
    Engine::ActivityId activity = nullptr;
  };

  void launch(std::shared_ptr<Message> message, const topologies::Path& path, double bytes,
              base::Seconds moves_at);
  void launch_anew(const Flow& flow, double left);
  double stop(const Flow& flow);
  void arrive(int flow);
  void read_rates(base::Seconds from);
  void read_each(base::Seconds from);
  void read_mean();
  std::vector<double> bytes_left() const;
  void close_idle(base::Seconds now);
  std::vector<topologies::LinkLoad> loads_of(const topologies::Path& path, double bytes) const;

  Engine& engine_;
  topologies::Router& router_;
  std::map<int, Flow> flows_;  // in flight, by the order of their starts
  int next_flow_ = 0;
  std::vector<int> flows_on_;    // [links] of channels, in flight
  std::vector<int> active_;      // channels with flows, or with a rate that was above 0
  std::vector<bool> is_active_;  // [links]
  std::vector<double> rates_;    // [links] as last read

  // With many flows in flight, reading every link at every event would cost more than solving: then
  // each link's mean rate is read now and then, from the bytes that its flows have left.
  bool reading_means_ = false;
  std::size_t events_since_reading_ = 0;
  base::Seconds last_reading_;
  base::Seconds rounding_then_;  // of the clock, at last_reading_
  std::vector<double> put_;      // [links] bytes of the flows launched so far
  std::vector<double> carried_;  // [links] of them, at last_reading_
};

}  // namespace moesim::sim
