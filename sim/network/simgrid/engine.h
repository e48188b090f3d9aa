// SPDX-License-Identifier: Apache-2.0
// The one SimGrid engine of this process: its settings, the cluster's links in it, events at given
// times, and the ends of activities. Actor-less: everything happens in callbacks of run().
#pragma once

#include <cstdint>
#include <exception>
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
  // `most_tasks`: parallel tasks that may be in flight at a time.
  Engine(Model model, const topologies::Cluster& cluster, int most_tasks = 0);

  base::Seconds now() const;

  std::uint64_t next_sequence() { return events_.next_sequence(); }
  // Calls `what` at `date` >= now, among the events of that time in the order of `sequence`.
  void at(base::Seconds date, std::uint64_t sequence, std::function<void()> what);
  void after(base::Seconds delay, std::function<void()> what);

  // An activity in flight; never to be followed.
  using ActivityId = const simgrid::s4u::Activity*;

  // What a parallel task puts on one of SimGrid's links.
  struct Amount {
    const simgrid::s4u::Link* link = nullptr;
    double bytes = 0;
  };

  // Starts one parallel task that carries all amounts (at least one) in lock-step, as fast as links
  // let it. Model::parallel_tasks.
  ActivityId start_task(const std::vector<Amount>& amounts, std::function<void()> done);
  // Starts one message, bytes >= 1, which moves after `delay` with `weight` > 0 in the sharing of
  // its links. Model::flows.
  struct Message {
    std::span<const int> route;
    std::uint64_t bytes = 1;
    base::Seconds delay;
    double weight = 1;
  };
  ActivityId start_message(const Message& message, std::function<void()> done);

  // What an activity in flight has left: of a task the share, of a message the bytes.
  double left_of(ActivityId activity) const;
  // Takes an activity out of flight; its `done` is not called.
  void cancel(ActivityId activity);

  // [links] see channels_of, of the cluster at the start.
  const std::vector<int>& channels() const { return channels_; }
  // The loads of channels among `loads`.
  std::vector<topologies::LinkLoad> channel_loads(
      std::span<const topologies::LinkLoad> loads) const;
  const simgrid::s4u::Link* link_of(int channel) const { return links_[channel]; }
  // A link's bandwidth is another from now on; its channel has the least of its links'. What is in
  // flight on it is to be started anew: SimGrid caps messages for life by the least capacity that
  // their channels had when they started.
  void set_bandwidth(int link, base::BytesPerSecond bandwidth);

  // Links of this capacity that stand for no cable: a task that puts n times as much on its own
  // takes at least n seconds.
  static constexpr double kPaceCapacity = 1e9;
  const simgrid::s4u::Link* take_pace_link();
  void give_back(const simgrid::s4u::Link* pace_link) { pace_links_.push_back(pace_link); }

  LinkRecorder& recorder() { return recorder_; }
  // `read(from)` is called whenever time has passed, while SimGrid still holds the rates of the
  // time since `from`, and at the end of the run.
  void read_rates_by(std::function<void(base::Seconds from)> read) {
    read_rates_ = std::move(read);
  }

  // When something that began at `start` and that SimGrid has ended now ends: never before its
  // floor (INV-4), which SimGrid's rounding may miss by a hair.
  base::Seconds end_of(base::Seconds start, base::Seconds floor) const;

  // Runs until nothing is left to happen. Throws base::Error("simgrid", ...) when SimGrid throws.
  void run();

  std::vector<LinkUse> link_use() const { return recorder_.use(); }

 private:
  struct Running {
    simgrid::s4u::ActivityPtr activity;
    std::function<void()> done;
  };

  void create_platform(const topologies::Cluster& cluster, int most_tasks);
  void watch(simgrid::s4u::ActivityPtr activity, std::function<void()> done);
  void on_completion(const simgrid::s4u::Activity& activity);
  void on_time_advance(double delta);
  void wake_at(base::Seconds date);
  void run_due_events();
  void do_unless_failed(const std::function<void()>& what);

  Model model_;
  std::unique_ptr<simgrid::s4u::Engine> engine_;
  PathZone* zone_ = nullptr;  // owned by SimGrid
  std::vector<simgrid::s4u::Host*> hosts_;
  std::vector<int> channels_;
  std::vector<base::BytesPerSecond> bandwidths_;  // [links] as they are now
  std::vector<simgrid::s4u::Link*> links_;        // [links] null for those that a channel joins
  std::vector<const simgrid::s4u::Link*> pace_links_;  // that no task holds now
  EventQueue events_;
  base::Seconds next_wake_;  // date of the earliest timer that has not fired
  base::Seconds last_advance_;
  std::unordered_map<const simgrid::s4u::Activity*, Running> running_;  // looked up, never walked
  std::vector<simgrid::s4u::ActivityPtr> graveyard_;
  std::function<void(base::Seconds)> read_rates_;
  LinkRecorder recorder_;
  std::exception_ptr failure_;  // the first of a callback; nothing is done after it
};

}  // namespace moesim::sim
