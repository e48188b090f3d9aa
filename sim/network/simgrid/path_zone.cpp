// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/path_zone.h"

#include <simgrid/kernel/routing/NetPoint.hpp>
#include <utility>

namespace moesim::sim {
namespace {

// Any value far above the true delays will do; it never becomes time.
constexpr double kNominalLatency = 1.0;

}  // namespace

void PathZone::set_pairs(std::vector<const simgrid::s4u::Link*> links, std::size_t num_hosts) {
  links_ = std::move(links);
  num_hosts_ = num_hosts;
}

void PathZone::set_path(std::vector<const simgrid::s4u::Link*> links, double delay, double weight) {
  links_ = std::move(links);
  num_hosts_ = 0;
  nominal_latency_ = kNominalLatency / weight;
  latency_factor_ = delay / nominal_latency_;
}

void PathZone::get_local_route(const simgrid::kernel::routing::NetPoint* source,
                               const simgrid::kernel::routing::NetPoint* destination,
                               simgrid::kernel::routing::Route* into, double* latency) {
  if (num_hosts_ > 0) {
    into->link_list_.push_back(links_[source->id() * num_hosts_ + destination->id()]->get_impl());
    return;
  }
  for (const simgrid::s4u::Link* link : links_) into->link_list_.push_back(link->get_impl());
  if (latency != nullptr) *latency += nominal_latency_;
}

}  // namespace moesim::sim
