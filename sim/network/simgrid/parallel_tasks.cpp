// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/parallel_tasks.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace moesim::sim {
namespace {

// Rounding of paces and loads: a link asked for no more than this times its bandwidth is not full.
constexpr double kFull = 1 + 1e-9;
// Of a task's pace: rounding, not sharing.
constexpr double kSameSpeed = 1e-12;

void insert_in_order(std::vector<int>& ids, int id) {
  ids.insert(std::lower_bound(ids.begin(), ids.end(), id), id);
}

}  // namespace

ParallelTasks::ParallelTasks(Engine& engine, const topologies::Cluster& cluster)
    : engine_(engine), users_(cluster.links.size()), is_marked_(cluster.links.size(), false) {
  engine_.read_rates_by([this](base::Seconds from) { read_rates(from); });
}

ParallelTasks::Id ParallelTasks::start(const std::vector<topologies::LinkLoad>& loads,
                                       base::Seconds pace, std::function<void()> done) {
  const Id id = static_cast<Id>(tasks_.size());
  Task& task = tasks_.emplace_back();
  task.loads = engine_.channel_loads(loads);
  task.pace = pace.value;
  task.done = std::move(done);
  task.pace_link = engine_.take_pace_link();
  engine_.recorder().start(task.loads);
  insert_in_order(running_, id);
  join(id);
  launch(id);
  return id;
}

void ParallelTasks::change(Id id, const std::vector<topologies::LinkLoad>& loads,
                           base::Seconds pace) {
  stop(id);
  leave(id);
  Task& task = tasks_[id];
  engine_.recorder().give_up(task.loads, task.left);
  task.loads = engine_.channel_loads(loads);
  task.pace = pace.value;
  task.speed = 0;  // to be read for the new links too
  engine_.recorder().start(task.loads, task.left);
  join(id);
  launch(id);
}

// Counts the task among its links' users, and starts those anew that share a link with it that they
// can fill now.
void ParallelTasks::join(Id id) {
  std::vector<Id> affected;
  for (const topologies::LinkLoad& load : tasks_[id].loads) {
    std::vector<User>& users = users_[load.link];
    const auto place =
        std::find_if(users.begin(), users.end(), [id](const User& user) { return user.task > id; });
    users.insert(place, {id, load.bytes.value / tasks_[id].pace});
    if (users.size() < 2 || !can_fill(load.link)) continue;
    for (const User& user : users) {
      const std::vector<int>& held = tasks_[user.task].constraints;
      const bool holds_it = std::binary_search(held.begin(), held.end(), load.link);
      if (user.task != id && !holds_it) affected.push_back(user.task);
    }
  }
  std::sort(affected.begin(), affected.end());
  affected.erase(std::unique(affected.begin(), affected.end()), affected.end());
  start_anew(affected);
}

void ParallelTasks::leave(Id id) {
  mark(tasks_[id]);
  for (const topologies::LinkLoad& load : tasks_[id].loads) {
    std::erase_if(users_[load.link], [id](const User& user) { return user.task == id; });
  }
}

bool ParallelTasks::can_fill(int channel) const {
  double asked = 0;
  for (const User& user : users_[channel]) asked += user.rate;
  return asked > engine_.recorder().capacity(channel).value * kFull;
}

void ParallelTasks::start_anew(const std::vector<Id>& tasks) {
  for (const Id id : tasks) {
    stop(id);
    launch(id);
  }
}

void ParallelTasks::launch(Id id) {
  Task& task = tasks_[id];
  task.constraints.clear();
  const double pace = Engine::kPaceCapacity * task.pace * task.left;
  std::vector<Engine::Amount> amounts = {{task.pace_link, pace}};
  for (const topologies::LinkLoad& load : task.loads) {
    if (!can_fill(load.link)) continue;
    task.constraints.push_back(load.link);
    amounts.push_back({engine_.link_of(load.link), load.bytes.value * task.left});
  }
  task.activity = engine_.start_task(amounts, [this, id] { finish(id); });
}

// Takes the task out of SimGrid, keeping in mind what it has left.
void ParallelTasks::stop(Id id) {
  Task& task = tasks_[id];
  task.left *= engine_.left_of(task.activity);
  engine_.cancel(task.activity);
}

void ParallelTasks::finish(Id id) {
  leave(id);
  running_.erase(std::lower_bound(running_.begin(), running_.end(), id));
  const Task task = std::exchange(tasks_[id], {});
  engine_.give_back(task.pace_link);
  task.done();
}

void ParallelTasks::mark(const Task& task) {
  for (const topologies::LinkLoad& load : task.loads) {
    if (!is_marked_[load.link]) marked_.push_back(load.link);
    is_marked_[load.link] = true;
  }
}

void ParallelTasks::read_rates(base::Seconds from) {
  for (const Id id : running_) {
    Task& task = tasks_[id];
    const double speed = task.pace_link->get_usage() / Engine::kPaceCapacity;
    if (std::abs(speed - task.speed) <= kSameSpeed) continue;
    task.speed = speed;
    mark(task);
  }
  for (const int channel : marked_) {
    double rate = 0;
    for (const User& user : users_[channel]) rate += user.rate * tasks_[user.task].speed;
    engine_.recorder().set_rate(channel, from, base::BytesPerSecond(rate));
    is_marked_[channel] = false;
  }
  marked_.clear();
}

}  // namespace moesim::sim
