// SPDX-License-Identifier: Apache-2.0
#include "sim/network/fluid.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace moesim::sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// This many parcels are followed from end to end.
constexpr std::size_t kFewParcels = 64;
// A step of more of them takes this share of what the busiest link still needs ...
constexpr double kStep = 0.03;
// ... until that is less than this share of what it needed at first.
constexpr double kNegligible = 1e-3;
// Arrived parcels are dropped when fewer than this share of all still move.
constexpr double kDense = 0.875;
// A parcel with less than this share of a step's bytes left has arrived.
constexpr double kRounding = 1e-12;

// [links] the time that the bytes left need of each link.
std::vector<double> times_of(const Fluid& fluid) {
  std::vector<double> times(fluid.capacities.size(), 0.0);
  for (std::size_t p = 0; p < fluid.left.size(); ++p) {
    for (int i = fluid.links_of.first[p]; i < fluid.links_of.first[p + 1]; ++i) {
      times[fluid.links_of.items[i]] += fluid.weights[i] * fluid.left[p];
    }
  }
  for (std::size_t l = 0; l < times.size(); ++l) times[l] /= fluid.capacities[l];
  return times;
}

void drop_arrived(Fluid& fluid) {
  IntLists links_of;
  std::vector<double> weights;
  std::size_t kept = 0;
  for (std::size_t p = 0; p < fluid.left.size(); ++p) {
    if (fluid.left[p] <= 0) continue;
    links_of.append(fluid.links_of.list(p));
    weights.insert(weights.end(), fluid.weights.begin() + fluid.links_of.first[p],
                   fluid.weights.begin() + fluid.links_of.first[p + 1]);
    fluid.left[kept++] = fluid.left[p];
  }
  fluid.left.resize(kept);
  fluid.links_of = std::move(links_of);
  fluid.weights = std::move(weights);
}

// [parcels] the rates at which they would arrive at the end of a step, 0 for those that have.
void set_caps(const Fluid& fluid, double step, std::vector<double>& caps) {
  caps.resize(fluid.left.size());
  for (std::size_t p = 0; p < caps.size(); ++p) {
    caps[p] = fluid.left[p] <= 0 ? 0 : step <= 0 ? kInfinity : fluid.left[p] / step;
  }
}

// Lets the parcels move for `least_step`, or longer, until the first arrives. Returns for how long
// and how many arrived.
std::pair<double, std::size_t> move_bytes(Fluid& fluid, double least_step,
                                          const std::vector<double>& rates) {
  double step = kInfinity;
  for (std::size_t p = 0; p < rates.size(); ++p) {
    if (fluid.left[p] > 0) step = std::min(step, fluid.left[p] / rates[p]);
  }
  step = std::max(step, least_step);
  std::size_t arrived = 0;
  for (std::size_t p = 0; p < rates.size(); ++p) {
    if (fluid.left[p] <= 0) continue;
    const double moved = rates[p] * step;
    fluid.left[p] = moved * (1 + kRounding) >= fluid.left[p] ? 0 : fluid.left[p] - moved;
    if (fluid.left[p] <= 0) ++arrived;
  }
  return {step, arrived};
}

// Adds parcels one after another, numbering links as they are first crossed.
class FluidBuilder {
 public:
  FluidBuilder(const topologies::Cluster& cluster, const std::vector<int>& channels)
      : cluster_(cluster),
        channels_(channels),
        place_(channels.size(), -1),
        item_(channels.size(), -1) {}

  // A way of the parcel at hand.
  void cross(const topologies::Path& path) {
    for (const int link : path.links) {
      if (channels_[link] == link) cross(link, path.share);
    }
  }

  void end_parcel(double bytes) {
    fluid_.links_of.end_list();
    fluid_.left.push_back(bytes);
    begin_ = static_cast<int>(fluid_.links_of.items.size());
  }

  Fluid take() { return std::move(fluid_); }

 private:
  void cross(int link, double share) {
    if (place_[link] < 0) {
      place_[link] = static_cast<int>(fluid_.capacities.size());
      fluid_.capacities.push_back(cluster_.links[link].bandwidth.value);
    }
    if (item_[link] >= begin_) {
      fluid_.weights[item_[link]] += share;
      return;
    }
    item_[link] = static_cast<int>(fluid_.links_of.items.size());
    fluid_.links_of.items.push_back(place_[link]);
    fluid_.weights.push_back(share);
  }

  const topologies::Cluster& cluster_;
  const std::vector<int>& channels_;
  Fluid fluid_;
  std::vector<int> place_;  // [links] in `capacities`
  std::vector<int> item_;   // [links] of the parcel that last crossed it, in `items`
  int begin_ = 0;           // of the parcel at hand, in `items`
};

}  // namespace

Fluid fluid_of(topologies::Router& router, const std::vector<int>& channels,
               std::span<const topologies::Transfer> transfers) {
  FluidBuilder builder(router.cluster(), channels);
  for (const topologies::Transfer& transfer : transfers) {
    if (transfer.bytes.value <= 0 || transfer.source == transfer.destination) continue;
    for (const topologies::Path& path : router.walk_paths(transfer.source, transfer.destination)) {
      builder.cross(path);
    }
    builder.end_parcel(transfer.bytes.value);
  }
  return builder.take();
}

double busiest_link(const Fluid& fluid) {
  const std::vector<double> times = times_of(fluid);
  return times.empty() ? 0 : *std::max_element(times.begin(), times.end());
}

double links_one_by_one(const Fluid& fluid) {
  const std::vector<double> times = times_of(fluid);
  double most = 0;
  for (std::size_t p = 0; p < fluid.left.size(); ++p) {
    double sum = 0;
    for (const int link : fluid.links_of.list(p)) sum += times[link];
    most = std::max(most, sum);
  }
  return most;
}

// A step longer than up to the next arrival caps the parcels that arrive within it, so that what
// they leave is used by others: no capacity is lost to stepping.
double drain(Fluid fluid) {
  const double negligible = kNegligible * busiest_link(fluid);
  double now = 0;
  std::vector<double> caps;
  std::vector<double> rates;
  while (!fluid.left.empty()) {
    MaxMinFill filling(fluid);
    std::size_t moving = fluid.left.size();
    const auto enough = static_cast<std::size_t>(kDense * static_cast<double>(moving));
    while (moving > 0 && moving >= enough) {
      double step = 0;
      if (moving > kFewParcels) {
        const double bound = busiest_link(fluid);
        if (bound < negligible) return now + bound;
        step = kStep * bound;
      }
      set_caps(fluid, step, caps);
      filling.fill(caps, rates);
      const auto [moved_for, arrived] = move_bytes(fluid, step, rates);
      now += moved_for;
      moving -= arrived;
    }
    drop_arrived(fluid);
  }
  return now;
}

}  // namespace moesim::sim
