// SPDX-License-Identifier: Apache-2.0
// A routing zone that answers SimGrid with exactly the links we choose, asked while an activity
// starts. Hosts are placeholders: no link belongs to any of them.
#pragma once

#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

namespace moesim::sim {

class PathZone final : public simgrid::kernel::routing::NetZoneImpl {
 public:
  explicit PathZone(const std::string& name) : NetZoneImpl(name) {}

  // From now on the route from host i to host j of the activity's n hosts is the one link
  // `links[i * n + j]` (nullptr: never asked for), without latency.
  void set_pairs(std::vector<const simgrid::s4u::Link*> links, std::size_t num_hosts);

  // From now on every route is `links`, and the activity is delayed by `delay` before its bytes
  // move. Equal nominal latencies give all activities equal shares of their links: SimGrid weighs a
  // flow by 1 / latency, as TCP's window does, which a lossless fabric does not: a message of
  // `weight` gets that much of an equal share. The true delay is restored by latency_factor.
  void set_path(std::vector<const simgrid::s4u::Link*> links, double delay, double weight = 1);
  double latency_factor() const { return latency_factor_; }

  void get_local_route(const simgrid::kernel::routing::NetPoint* source,
                       const simgrid::kernel::routing::NetPoint* destination,
                       simgrid::kernel::routing::Route* into, double* latency) override;

 private:
  std::vector<const simgrid::s4u::Link*> links_;
  std::size_t num_hosts_ = 0;  // 0: one path for all
  double nominal_latency_ = 1;
  double latency_factor_ = 1;
};

}  // namespace moesim::sim
