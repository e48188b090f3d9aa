// SPDX-License-Identifier: Apache-2.0
// Simulated time and the collectives that move bytes in it. Collectives that overlap share links;
// how they share is the implementation's model (docs/models.md, "Network").
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// analytic: latency + the most loaded link's bytes / bandwidth, each collective alone (the floor).
// collective: a collective is one SimGrid activity that loads many links at once.
// flow: one SimGrid communication per message on its explicit path, exact max-min sharing.
enum class Fidelity { analytic, collective, flow };
base::EnumNames<Fidelity> names_of(Fidelity);

// When a collective ended. `rank_end[i]` is when the last message from or to `ranks[i]` arrived;
// `collective` and `analytic` end all ranks together.
struct CollectiveEnd {
  base::Seconds end;
  std::vector<base::Seconds> rank_end;
  // What floor_of says of it, of the cluster as it was at its start. Where the cluster has changed
  // under way, no floor holds but the time that had passed by then.
  base::Seconds floor;
};

// One link's use over simulated time as a step function: from `times[i]` on the rate is `rates[i]`.
// At most 4,096 steps: longer records have their neighbouring steps averaged, see RateSteps.
struct LinkUse {
  int link = 0;
  base::Bytes bytes;   // carried in total: the integral of the rates
  base::Seconds busy;  // time with a rate above 0
  std::vector<base::Seconds> times;
  std::vector<base::BytesPerSecond> rates;
};

// The cluster becomes another while the simulation runs: links go down, come back, change.
struct ClusterChange {
  base::Seconds at;  // simulated time, from the network's first moment
  std::vector<topologies::LinkChange> links;
  std::string cause;  // "leaf0->spine1 down", for the verdict where ranks are cut off
};

// How many of the collectives started so far were worked out, and how many were asked for: those of
// equal content have one answer.
struct Repetition {
  int collectives = 0;
  int worked_out = 0;
};

// One simulation's clock. Callbacks run inside run(), at their simulated time, in the order
// (time, order of registration); they may start more work.
class Network {
 public:
  virtual ~Network() = default;

  virtual base::Seconds now() const = 0;

  // Calls `done` after `delay` >= 0 of simulated time.
  virtual void after(base::Seconds delay, std::function<void()> done) = 0;

  // Works out several at a time what starting these collectives would, before run(). Saves time
  // where there are threads, changes no result.
  virtual void prepare(std::span<const Collective> collectives) = 0;

  // Starts the collective now. `done` is called at its end. Never earlier than `floor_of` says.
  virtual void start(const Collective& collective,
                     std::function<void(const CollectiveEnd&)> done) = 0;

  // Changes the cluster when its time has come; before run(). What is on its way over a link that
  // goes down goes on over another way with what it has left; a collective that starts later sees
  // the new cluster. run() throws base::Error when two ends that need each other have no route
  // left, saying which, when and why. `analytic` changes what starts later only.
  virtual void plan_change(ClusterChange change) = 0;

  // Runs until nothing is left to happen.
  virtual void run() = 0;

  // The collectives started so far; both 0 for `flow`, which works out nothing beforehand.
  virtual Repetition repetition() const = 0;

  // After run(): links that carried bytes, in link order; empty for `analytic`.
  virtual std::vector<LinkUse> link_use() const = 0;
};

// The shortest time in which the collective can end on an otherwise idle cluster:
// protocol_latency + the largest of: max over links l of (least latency of the routes over l +
// bytes_l / bandwidth_l); max over messages of (latency + bytes / slowest link of its way); and,
// where there are rounds, their longest chain (collective_load.h).
base::Seconds floor_of(topologies::Router& router, const Collective& collective);

struct NetworkOptions {
  // Collectives that may be in flight at a time, at least 1. With 1 a large cluster starts faster
  // at fidelity `collective`: nothing is ever shared. 0: as many as there are ranks.
  int most_at_once = 0;
  int num_threads = 1;  // to work collectives out; never changes a result
};

// SimGrid's engine is one per process: for `collective` and `flow` call this once in a process.
// `router` must outlive the network. `collective` throws base::Error on clusters of more than
// 65,536 links (PCIe and NIC counting as one), unless most_at_once is 1.
std::unique_ptr<Network> make_network(Fidelity fidelity, topologies::Router& router,
                                      const NetworkOptions& options = {});

}  // namespace moesim::sim
