// SPDX-License-Identifier: Apache-2.0
// Collectives as parallel tasks of SimGrid: each carries its bytes on all its links at once, in
// lock-step, no faster than its own pace, and shares links with the others. A link that the tasks
// in flight cannot fill even at their paces constrains nobody, so SimGrid is told only of those
// that they can; a task is started anew with what it has left when one of its links becomes such.
#pragma once

#include <functional>
#include <vector>

#include "base/units.h"
#include "sim/network/simgrid/engine.h"
#include "topologies/routing.h"

namespace moesim::sim {

class ParallelTasks {
 public:
  // `engine` must outlive this.
  ParallelTasks(Engine& engine, const topologies::Cluster& cluster);

  using Id = int;

  // Carries `loads` (not empty, of whole routes) in no less than `pace` > 0, which is at least the
  // time that the busiest of them needs. At most as many tasks at a time as the engine was made
  // for.
  Id start(const std::vector<topologies::LinkLoad>& loads, base::Seconds pace,
           std::function<void()> done);

  // Goes on with other loads and another pace, both of the whole task; what is done stays done.
  // Every task that uses a link needs it at once after the engine's set_bandwidth().
  void change(Id task, const std::vector<topologies::LinkLoad>& loads, base::Seconds pace);

 private:
  struct Task {
    std::vector<topologies::LinkLoad> loads;  // of channels
    double pace = 0;                          // seconds
    std::function<void()> done;
    double left = 1;  // of the whole, when `activity` started
    Engine::ActivityId activity = nullptr;
    const simgrid::s4u::Link* pace_link = nullptr;
    std::vector<int> constraints;  // channels that `activity` holds beside its pace link
    double speed = 0;              // as last read; 1: as fast as its pace
  };

  // A task on a channel.
  struct User {
    Id task = 0;
    double rate = 0;  // bytes per second at the task's pace
  };

  void join(Id id);
  void leave(Id id);
  void launch(Id id);
  void stop(Id id);
  void start_anew(const std::vector<Id>& tasks);
  void finish(Id id);
  bool can_fill(int channel) const;
  void read_rates(base::Seconds from);
  void mark(const Task& task);

  Engine& engine_;
  std::vector<Task> tasks_;               // by Id; those that have ended are empty
  std::vector<Id> running_;               // ascending
  std::vector<std::vector<User>> users_;  // [links] of channels, ascending
  std::vector<int> marked_;               // channels whose rate may have changed
  std::vector<bool> is_marked_;           // [links]
};

}  // namespace moesim::sim
