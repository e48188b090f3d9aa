// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/engine.h"

#include <xbt/log.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <simgrid/Exception.hpp>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "sim/network/channels.h"
#include "sim/network/longest_time.h"
#include "sim/network/simgrid/comm_list.h"

namespace moesim::sim {
namespace {

namespace s4u = simgrid::s4u;

constexpr base::Seconds kNever(std::numeric_limits<double>::infinity());
// SimGrid gives a flow without delay another weight than the rest.
constexpr double kLeastDelay = 1e-9;
// How much earlier than its floor SimGrid's rounding may end a collective (INV-4): relative to its
// time, and relative to the clock, whose doubles grow coarser.
constexpr double kEarlyOfDuration = 1e-6;
constexpr double kEarlyOfClock = 1e-12;

// SimGrid's solver walks all links of tasks that share any by recursion, 96 bytes of stack a link
// (3.32, x86-64): this many take 6.3 of the usual 8 MB.
constexpr std::int64_t kMostChannels = 65536;

// Options, in SimGrid's words, of a lossless fabric. They must be set before the first zone.
const std::vector<std::string>& settings(Engine::Model model) {
  // Parallel tasks replace the whole host and network model; the default solver is fair at the
  // bottleneck, which is all that a collective in lock-step needs.
  static const std::vector<std::string> parallel_tasks = {"host/model:ptask_L07"};
  static const std::vector<std::string> flows = {
      // Bandwidth and latency as given: LV08, the default, scales both to imitate TCP.
      "network/model:CM02",
      // Lazy, the default, leaves links out of the problem it solves and overloads them.
      "network/optim:Full",
      // No acknowledgements that load the way back.
      "network/crosstraffic:no",
      // No TCP window: it would cap a flow at gamma / (2 x latency).
      "network/TCP-gamma:1e20",
      // The default, 1e-9 s, would start flows together whose latencies differ by less.
      "surf/precision:1e-14",
  };
  return model == Engine::Model::parallel_tasks ? parallel_tasks : flows;
}

// Creates the engine, quietly, and leaves Ctrl-C to the program: SimGrid would exit on it.
std::unique_ptr<s4u::Engine> create_engine(Engine::Model model) {
  static bool created = false;
  CHECK(!created, "SimGrid has one engine and one clock per process");
  created = true;
  if (model == Engine::Model::flows) skips_comm_list();
  xbt_log_control_set("root.thres:error");
  struct sigaction on_interrupt = {};
  sigaction(SIGINT, nullptr, &on_interrupt);
  auto engine = std::make_unique<s4u::Engine>("moesim");
  sigaction(SIGINT, &on_interrupt, nullptr);
  for (const std::string& setting : settings(model)) s4u::Engine::set_config(setting);
  return engine;
}

// The least n >= 2 with n (n - 1) ordered pairs for `links`: a task's pairs of hosts are names for
// links, so n hosts serve, and the n x n matrix that SimGrid wants stays as small as the load is.
std::size_t hosts_for(std::size_t links) {
  std::size_t n = 2;
  while (n * (n - 1) < links) ++n;
  return n;
}

s4u::Link* create_link(s4u::NetZone& zone, const std::string& name, double bandwidth) {
  s4u::Link* link = zone.create_link(name, bandwidth);
  // The zone and our own timers carry the latencies.
  link->set_latency(0);
  link->seal();
  return link;
}

std::int64_t count_channels(const std::vector<int>& channels) {
  std::int64_t count = 0;
  for (std::size_t link = 0; link < channels.size(); ++link) {
    if (channels[link] == static_cast<int>(link)) ++count;
  }
  return count;
}

}  // namespace

Engine::Engine(Model model, const topologies::Cluster& cluster, int most_tasks)
    : model_(model),
      engine_(create_engine(model)),
      channels_(channels_of(cluster)),
      next_wake_(kNever),
      recorder_(cluster, channels_) {
  for (const topologies::Link& link : cluster.links) bandwidths_.push_back(link.bandwidth);
  create_platform(cluster, most_tasks);
  // SimGrid offers these signals only for the whole process, which has this one engine.
  s4u::Activity::on_completion_cb([this](const s4u::Activity& a) { on_completion(a); });
  s4u::Engine::on_time_advance_cb([this](double delta) { on_time_advance(delta); });
}

void Engine::create_platform(const topologies::Cluster& cluster, int most_tasks) {
  const std::int64_t num_channels = count_channels(channels_);
  // A task that is never joined by another needs no link but its pace's.
  const bool needs_links = model_ == Model::flows || most_tasks > 1;
  if (model_ == Model::parallel_tasks && needs_links && num_channels > kMostChannels) {
    throw base::Error("/network/fidelity",
                      "the cluster has " + std::to_string(num_channels) +
                          " links; `collective` takes " + std::to_string(kMostChannels),
                      "use `analytic`, or fewer nodes");
  }
  zone_ = new PathZone("cluster");  // SimGrid adopts and deletes it
  s4u::NetZone* zone = zone_->get_iface();
  const std::size_t num_hosts =
      model_ == Model::parallel_tasks ? hosts_for(static_cast<std::size_t>(num_channels) + 1) : 2;
  for (std::size_t i = 0; i < num_hosts; ++i) {
    s4u::Host* host = zone->create_host("host" + std::to_string(i), 1.0);
    CHECK(host->get_netpoint()->id() == i, "hosts are numbered from 0");
    hosts_.push_back(host);
  }
  links_.resize(cluster.links.size());
  for (std::size_t i = 0; i < cluster.links.size() && needs_links; ++i) {
    if (channels_[i] != static_cast<int>(i)) continue;
    // Numbered, since two links may share a name.
    links_[i] = create_link(*zone, "link" + std::to_string(i), cluster.links[i].bandwidth.value);
  }
  for (int i = 0; i < most_tasks; ++i) {
    pace_links_.push_back(create_link(*zone, "pace" + std::to_string(i), kPaceCapacity));
  }
  zone->seal();
  if (model_ == Model::flows) {
    zone->get_network_model()->set_lat_factor_cb(
        [this](double, const s4u::Host*, const s4u::Host*, const std::vector<s4u::Link*>&,
               const std::unordered_set<s4u::NetZone*>&) { return zone_->latency_factor(); });
  }
}

base::Seconds Engine::now() const { return base::Seconds(s4u::Engine::get_clock()); }

void Engine::at(base::Seconds date, std::uint64_t sequence, std::function<void()> what) {
  CHECK(date >= now(), "time does not run backwards");
  events_.push(date, sequence, std::move(what));
  wake_at(date);
}

void Engine::after(base::Seconds delay, std::function<void()> what) {
  CHECK(delay.value >= 0, "time does not run backwards");
  at(now() + delay, next_sequence(), std::move(what));
}

// SimGrid runs timers of one date in no promised order, so a timer only wakes our own queue. One
// timer, for the earliest event, is enough.
void Engine::wake_at(base::Seconds date) {
  if (date >= next_wake_) return;
  next_wake_ = date;
  simgrid::kernel::timer::Timer::set(date.value, [this] { run_due_events(); });
}

void Engine::run_due_events() {
  next_wake_ = kNever;
  while (!events_.empty() && events_.next_time() <= now()) {
    do_unless_failed(events_.pop());
  }
  if (!events_.empty()) wake_at(events_.next_time());
}

std::vector<topologies::LinkLoad> Engine::channel_loads(
    std::span<const topologies::LinkLoad> loads) const {
  std::vector<topologies::LinkLoad> of_channels;
  for (const topologies::LinkLoad& load : loads) {
    if (channels_[load.link] == load.link) of_channels.push_back(load);
  }
  return of_channels;
}

Engine::ActivityId Engine::start_task(const std::vector<Amount>& amounts,
                                      std::function<void()> done) {
  const std::size_t n = hosts_for(amounts.size());
  std::vector<double> bytes(n * n, 0.0);
  std::vector<const s4u::Link*> links(n * n, nullptr);
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const std::size_t row = i / (n - 1);
    const std::size_t column = i % (n - 1);
    const std::size_t cell = row * n + column + (column >= row ? 1 : 0);  // off the diagonal
    bytes[cell] = amounts[i].bytes;
    links[cell] = amounts[i].link;
  }
  zone_->set_pairs(std::move(links), n);
  s4u::ExecPtr task = s4u::Exec::init();
  task->set_hosts({hosts_.begin(), hosts_.begin() + static_cast<std::ptrdiff_t>(n)})
      ->set_flops_amounts(std::vector<double>(n, 0.0))
      ->set_bytes_amounts(bytes);
  watch(task, std::move(done));
  task->start();
  return task.get();
}

const s4u::Link* Engine::take_pace_link() {
  CHECK(!pace_links_.empty(), "no more tasks at a time than the engine was made for");
  const s4u::Link* link = pace_links_.back();
  pace_links_.pop_back();
  return link;
}

Engine::ActivityId Engine::start_message(const Message& message, std::function<void()> done) {
  std::vector<const s4u::Link*> path;
  for (const int link : message.route) {
    if (channels_[link] == link) path.push_back(links_[link]);
  }
  zone_->set_path(std::move(path), std::max(message.delay.value, kLeastDelay), message.weight);
  s4u::CommPtr comm = s4u::Comm::sendto_init();
  watch(comm, std::move(done));
  // The last of the three starts it.
  comm->set_payload_size(message.bytes)->set_source(hosts_[0])->set_destination(hosts_[1]);
  return comm.get();
}

double Engine::left_of(ActivityId activity) const {
  const s4u::Activity& running = *running_.at(activity).activity;
  if (model_ == Model::flows) return running.get_remaining();
  return static_cast<const s4u::Exec&>(running).get_remaining_ratio();
}

void Engine::cancel(ActivityId activity) {
  const auto found = running_.find(activity);
  CHECK(found != running_.end(), "only what is in flight is cancelled");
  s4u::ActivityPtr cancelled = std::move(found->second.activity);
  // SimGrid calls on_completion twice for it, which then knows it no more.
  running_.erase(found);
  cancelled->cancel();
  graveyard_.push_back(std::move(cancelled));
}

void Engine::set_bandwidth(int link, base::BytesPerSecond bandwidth) {
  bandwidths_[link] = bandwidth;
  const int channel = channels_[link];
  base::BytesPerSecond capacity = bandwidths_[channel];
  for (std::size_t l = 0; l < bandwidths_.size(); ++l) {
    if (channels_[l] == channel) capacity = std::min(capacity, bandwidths_[l]);
  }
  recorder_.set_capacity(channel, capacity);
  if (links_[channel] != nullptr) links_[channel]->set_bandwidth(capacity.value);
}

void Engine::watch(s4u::ActivityPtr activity, std::function<void()> done) {
  const s4u::Activity* key = activity.get();
  running_.emplace(key, Running{std::move(activity), std::move(done)});
}

void Engine::on_completion(const s4u::Activity& activity) {
  const auto found = running_.find(&activity);
  if (found == running_.end()) return;
  Running ended = std::move(found->second);
  running_.erase(found);
  // SimGrid still uses the activity after this callback.
  graveyard_.push_back(std::move(ended.activity));
  do_unless_failed(ended.done);
}

// SimGrid is left to end what is in flight: an exception must not pass through it.
void Engine::do_unless_failed(const std::function<void()>& what) {
  if (failure_ != nullptr) return;
  try {
    what();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void Engine::on_time_advance(double delta) {
  graveyard_.clear();
  if (delta <= 0 || failure_ != nullptr) return;
  recorder_.advance_clock(now());
  // Links that change under way may slow down what began in time.
  if (!running_.empty()) do_unless_failed([this] { require_plausible_time(now()); });
  read_rates_(last_advance_);
  last_advance_ = now();
}

base::Seconds Engine::end_of(base::Seconds start, base::Seconds floor) const {
  const base::Seconds early = start + floor - now();
  CHECK(early.value <= kEarlyOfDuration * floor.value + kEarlyOfClock * now().value,
        "INV-4: a collective ends " + base::to_text(early) + " before its floor of " +
            base::to_text(floor));
  return std::max(now(), start + floor);
}

void Engine::run() {
  try {
    engine_->run();
  } catch (const simgrid::Exception& error) {
    throw base::Error("simgrid", error.what());
  }
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  CHECK(events_.empty() && running_.empty(), "SimGrid stops only when nothing is left to happen");
  read_rates_(now());
  recorder_.finish();
}

}  // namespace moesim::sim
