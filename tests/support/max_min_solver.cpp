// SPDX-License-Identifier: Apache-2.0
#include "tests/support/max_min_solver.h"

#include <algorithm>
#include <limits>

namespace moesim::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// [flows] the rates of the flows in `moving`: again and again, the link with the least room per
// flow fixes its flows' rates.
std::vector<double> fill(const std::vector<double>& capacities, const std::vector<Flow>& flows,
                         std::vector<int> moving) {
  std::vector<double> rates(flows.size(), 0.0);
  std::vector<double> room = capacities;
  while (!moving.empty()) {
    std::vector<int> users(capacities.size(), 0);
    for (const int f : moving) {
      for (const int link : flows[f].links) ++users[link];
    }
    int tightest = -1;
    for (int l = 0; l < static_cast<int>(users.size()); ++l) {
      if (users[l] == 0) continue;
      if (tightest < 0 || room[l] / users[l] < room[tightest] / users[tightest]) tightest = l;
    }
    const double share = room[tightest] / users[tightest];
    std::erase_if(moving, [&](int f) {
      const std::vector<int>& links = flows[f].links;
      if (std::find(links.begin(), links.end(), tightest) == links.end()) return false;
      rates[f] = share;
      for (const int link : links) room[link] -= share;
      return true;
    });
  }
  return rates;
}

}  // namespace

std::vector<double> max_min_ends(const std::vector<double>& capacities,
                                 const std::vector<Flow>& flows) {
  std::vector<double> left;
  for (const Flow& flow : flows) left.push_back(flow.bytes);
  std::vector<double> ends(flows.size(), kInfinity);
  for (double now = 0; now < kInfinity;) {
    std::vector<int> moving;
    double next = kInfinity;
    for (int f = 0; f < static_cast<int>(flows.size()); ++f) {
      if (ends[f] < kInfinity) continue;
      if (flows[f].start_s <= now) moving.push_back(f);
      if (flows[f].start_s > now) next = std::min(next, flows[f].start_s);
    }
    const std::vector<double> rates = fill(capacities, flows, moving);
    for (const int f : moving) next = std::min(next, now + left[f] / rates[f]);
    for (const int f : moving) {
      if (now + left[f] / rates[f] <= next) ends[f] = next;
      left[f] -= rates[f] * (next - now);
    }
    now = next;
  }
  return ends;
}

}  // namespace moesim::testing
