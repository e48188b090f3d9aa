// SPDX-License-Identifier: Apache-2.0
#include "tests/support/max_min_solver.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <stdexcept>
#include <utility>

namespace moesim::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Ends that differ by no more than rounding happen at once, else symmetric traffic would be solved
// again for each of its flows.
constexpr double kRounding = 1e-12;

class Solver {
 public:
  Solver(const std::vector<double>& capacities, const std::vector<Flow>& flows);

  std::vector<double> solve();

 private:
  struct Bound {
    double level = 0;
    int link = 0;
    bool operator<(const Bound& other) const {  // the least level first
      return std::pair(level, link) > std::pair(other.level, other.link);
    }
  };

  void release(int flow, double time);
  void fill();
  void fix(int flow, double level);
  double next_event() const;
  void advance(double to);
  void end(int flow, double time);

  const std::vector<double>& capacities_;
  const std::vector<Flow>& flows_;
  std::vector<std::vector<int>> users_;       // [links] flows
  std::vector<std::vector<int>> successors_;  // [flows]
  std::vector<int> awaited_;                  // [flows]
  std::vector<double> left_, rates_, ends_;   // [flows]
  std::vector<int> moving_;
  std::vector<std::pair<double, int>> starts_;  // (time, flow) a heap, the earliest first
  double now_ = 0;
  // The state of one filling.
  std::vector<double> room_, load_;  // [links] what is free; what a unit of the level takes
  std::vector<int> waiting_;         // [links] flows still rising
  std::vector<char> rising_;         // [flows]
};

Solver::Solver(const std::vector<double>& capacities, const std::vector<Flow>& flows)
    : capacities_(capacities),
      flows_(flows),
      users_(capacities.size()),
      successors_(flows.size()),
      rates_(flows.size(), 0.0),
      ends_(flows.size(), kInfinity),
      rising_(flows.size(), 0) {
  for (int f = 0; f < static_cast<int>(flows.size()); ++f) {
    for (const int before : flows[f].after) successors_[before].push_back(f);
    awaited_.push_back(static_cast<int>(flows[f].after.size()));
    left_.push_back(flows[f].bytes);
    if (awaited_[f] == 0) release(f, 0);
  }
}

void Solver::release(int flow, double time) {
  starts_.emplace_back(time + flows_[flow].start_s, flow);
  std::push_heap(starts_.begin(), starts_.end(), std::greater<>());
}

// Sets the rates of the moving flows: the level of all rises until a link is full, whose flows keep
// it, and so on. A link's bound only rises while others are fixed, so a bound that is still true
// when it is the least is the next to hold.
void Solver::fill() {
  room_ = capacities_;
  load_.assign(capacities_.size(), 0.0);
  waiting_.assign(capacities_.size(), 0);
  for (auto& users : users_) users.clear();
  for (const int f : moving_) {
    rising_[f] = 1;
    for (const int link : flows_[f].links) {
      users_[link].push_back(f);
      ++waiting_[link];
      load_[link] += flows_[f].weight;
    }
  }
  std::priority_queue<Bound> bounds;
  for (std::size_t l = 0; l < users_.size(); ++l) {
    if (!users_[l].empty()) bounds.push({room_[l] / load_[l], static_cast<int>(l)});
  }
  for (std::size_t fixed = 0; fixed < moving_.size();) {
    const auto [level, link] = bounds.top();
    bounds.pop();
    if (waiting_[link] == 0) continue;
    const double bound = std::max(level, room_[link] / load_[link]);
    if (bound > level * (1 + kRounding)) {
      bounds.push({bound, link});
      continue;
    }
    fixed += static_cast<std::size_t>(waiting_[link]);
    for (const int f : users_[link]) {
      if (rising_[f] != 0) fix(f, level);
    }
  }
}

void Solver::fix(int flow, double level) {
  rising_[flow] = 0;
  rates_[flow] = level * flows_[flow].weight;
  for (const int link : flows_[flow].links) {
    --waiting_[link];
    room_[link] -= rates_[flow];
    load_[link] -= flows_[flow].weight;
  }
}

double Solver::next_event() const {
  double next = starts_.empty() ? kInfinity : starts_.front().first;
  for (const int f : moving_) next = std::min(next, now_ + left_[f] / rates_[f]);
  return next;
}

void Solver::end(int flow, double time) {
  ends_[flow] = time;
  for (const int next : successors_[flow]) {
    if (--awaited_[next] == 0) release(next, time);
  }
}

void Solver::advance(double to) {
  const double reach = to + kRounding * to;
  std::erase_if(moving_, [&](int f) {
    const bool ends = now_ + left_[f] / rates_[f] <= reach;
    left_[f] -= rates_[f] * (to - now_);
    if (ends) end(f, to);
    return ends;
  });
  now_ = to;
  while (!starts_.empty() && starts_.front().first <= reach) {
    std::pop_heap(starts_.begin(), starts_.end(), std::greater<>());
    const int flow = starts_.back().second;
    starts_.pop_back();
    if (flows_[flow].links.empty() || flows_[flow].bytes <= 0) {
      end(flow, to);
    } else {
      moving_.push_back(flow);
    }
  }
}

std::vector<double> Solver::solve() {
  while (!starts_.empty() || !moving_.empty()) {
    if (!moving_.empty()) fill();
    advance(next_event());
  }
  if (std::count(ends_.begin(), ends_.end(), kInfinity) > 0) {
    throw std::runtime_error("flows wait for each other in a circle");
  }
  return ends_;
}

}  // namespace

std::vector<double> max_min_ends(const std::vector<double>& capacities,
                                 const std::vector<Flow>& flows) {
  return Solver(capacities, flows).solve();
}

}  // namespace moesim::testing
