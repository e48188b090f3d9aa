// SPDX-License-Identifier: Apache-2.0
// The one SimGrid engine of this process: its settings, the cluster's links in it, events at given
// times, and the ends of activities. Actor-less: everything happens in callbacks of run().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <simgrid/s4u.hpp>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/units.h"
#include "sim/network/event_queue.h"
#include "sim/network/simgrid/link_recorder.h"
#include "sim/network/simgrid/path_zone.h"
#include "topologies/cluster.h"

namespace moesim::sim {

class Engine {
 public:
  enum class Model { parallel_tasks, flows };

  // A second engine in one process is our bug: SimGrid's clock and options outlive the first.
  Engine(Model model, const topologies::Cluster& cluster);

  base::Seconds now() const;

  std::uint64_t next_sequence() { return events_.next_sequence(); }
  // Calls `what` at `date` >= now, among the events of that time in the order of `sequence`.
  void at(base::Seconds date, std::uint64_t sequence, std::function<void()> what);
  void after(base::Seconds delay, std::function<void()> what);

  // Starts one parallel task that carries `link_loads` (not empty, of whole routes), as fast as
  // links let it but in no less than `pace`, where that is above 0. Model::parallel_tasks, with no
  // more tasks that have a pace at a time than ranks.
  void start_task(const std::vector<topologies::LinkLoad>& link_loads, base::Seconds pace,
                  std::function<void()> done);
  // Starts one message, bytes >= 1, which moves after `delay`. Model::flows.
  void start_message(std::span<const int> route, std::uint64_t bytes, base::Seconds delay,
                     std::function<void()> done);

  // When something that began at `start` and that SimGrid has ended now ends: never before its
  // floor (INV-4), which SimGrid's rounding may miss by a hair.
  base::Seconds end_of(base::Seconds start, base::Seconds floor) const;

  // Runs until nothing is left to happen. Throws base::Error("simgrid", ...) when SimGrid throws.
  void run();

  std::vector<LinkUse> link_use() const { return recorder_.use(); }

 private:
  struct Running {
    simgrid::s4u::ActivityPtr activity;
    std::vector<topologies::LinkLoad> loads;
    std::function<void()> done;
    const simgrid::s4u::Link* pace = nullptr;  // one of pace_links_, the task's own; or none
  };

  void create_platform(const topologies::Cluster& cluster);
  const simgrid::s4u::Link* take_pace_link();
  void watch(Running running);
  void on_completion(const simgrid::s4u::Activity& activity);
  void on_time_advance(double delta);
  void wake_at(base::Seconds date);
  void run_due_events();

  Model model_;
  std::unique_ptr<simgrid::s4u::Engine> engine_;
  PathZone* zone_ = nullptr;  // owned by SimGrid
  std::vector<simgrid::s4u::Host*> hosts_;
  std::vector<int> channels_;                     // [links] see channels_of
  std::vector<const simgrid::s4u::Link*> links_;  // [links] null for those that a channel joins
  // Links of 1 byte per second that no task holds now, one for each rank, since a rank is in one
  // collective at a time. A task that puts n bytes on one takes at least n seconds. They stand for
  // no cable: nobody shares them, and no record is kept.
  std::vector<const simgrid::s4u::Link*> pace_links_;
  EventQueue events_;
  base::Seconds next_wake_;  // date of the earliest timer that has not fired
  base::Seconds last_advance_;
  std::unordered_map<const simgrid::s4u::Activity*, Running> running_;  // looked up, never walked
  std::vector<simgrid::s4u::ActivityPtr> graveyard_;
  LinkRecorder recorder_;
};

}  // namespace moesim::sim
