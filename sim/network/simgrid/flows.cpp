// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/flows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/network/cut_off.h"

namespace moesim::sim {
namespace {

// Up to this many flows in flight, every event is read.
constexpr std::size_t kFewFlows = 512;
// Of more, so many readings while all of them end.
constexpr std::size_t kReadingsOfMany = 64;
// Share of a link's bytes that rounding may move from one spell to the next.
constexpr double kRoundedOff = 1e-7;

bool crosses(std::span<const int> links, std::span<const topologies::LinkChange> changes) {
  return std::any_of(changes.begin(), changes.end(), [&](const topologies::LinkChange& change) {
    return std::find(links.begin(), links.end(), change.link) != links.end();
  });
}

}  // namespace

Flows::Flows(Engine& engine, topologies::Router& router)
    : engine_(engine),
      router_(router),
      flows_on_(router.cluster().links.size(), 0),
      is_active_(router.cluster().links.size(), false),
      rates_(router.cluster().links.size(), 0.0),
      put_(router.cluster().links.size(), 0.0) {
  engine_.read_rates_by([this](base::Seconds from) { read_rates(from); });
}

void Flows::start(const Collective& collective, int number, std::function<void()> done) {
  const topologies::Transfer& transfer = collective.transfers[number];
  auto message = std::make_shared<Message>(Message{collective, transfer, std::move(done), 0});
  const base::Seconds latency = router_.latency(transfer.source, transfer.destination);
  for (const topologies::Path& path : router_.paths(transfer.source, transfer.destination)) {
    ++message->flows_left;
    launch(message, path, transfer.bytes.value * path.share, engine_.now() + latency);
  }
}

std::vector<topologies::LinkLoad> Flows::loads_of(const topologies::Path& path,
                                                  double bytes) const {
  std::vector<topologies::LinkLoad> loads;
  for (const int link : path.links) {
    if (engine_.channels()[link] == link) loads.push_back({link, base::Bytes(bytes)});
  }
  return loads;
}

void Flows::launch(std::shared_ptr<Message> message, const topologies::Path& path, double bytes,
                   base::Seconds moves_at) {
  const int id = next_flow_++;
  // SimGrid counts whole bytes.
  const double whole = std::ceil(bytes);
  const std::vector<topologies::LinkLoad> loads = loads_of(path, whole);
  engine_.recorder().start(loads);
  for (const topologies::LinkLoad& load : loads) {
    ++flows_on_[load.link];
    put_[load.link] += whole;
    if (!is_active_[load.link]) active_.push_back(load.link);
    is_active_[load.link] = true;
  }
  Flow& flow = flows_[id];
  flow = {std::move(message), path, moves_at, nullptr};
  flow.activity = engine_.start_message(
      {path.links, static_cast<std::uint64_t>(whole), moves_at - engine_.now(), path.share},
      [this, id] { arrive(id); });
}

// Takes the flow out of SimGrid. Returns the bytes that it has left.
double Flows::stop(const Flow& flow) {
  const double left = engine_.left_of(flow.activity);
  engine_.cancel(flow.activity);
  const std::vector<topologies::LinkLoad> loads = loads_of(flow.path, left);
  engine_.recorder().give_up(loads, 1);
  for (const topologies::LinkLoad& load : loads) {
    --flows_on_[load.link];
    put_[load.link] -= left;
  }
  return left;
}

void Flows::arrive(int id) {
  const auto found = flows_.find(id);
  for (const int link : found->second.path.links) {
    if (engine_.channels()[link] == link) --flows_on_[link];
  }
  const std::shared_ptr<Message> message = std::move(found->second.message);
  flows_.erase(found);
  if (--message->flows_left == 0) message->done();
}

// SimGrid caps a flow for life by the least capacity on its path when it starts, so those on a
// changed link are started anew.
void Flows::change_links(std::span<const topologies::LinkChange> changes,
                         const std::string& cause) {
  // A mean must not reach over a change: it may be above what the link can carry afterwards.
  if (reading_means_) read_mean();
  for (const topologies::LinkChange& change : changes) {
    if (change.up) engine_.set_bandwidth(change.link, change.bandwidth);
  }
  std::vector<int> affected;
  for (const auto& [id, flow] : flows_) {
    if (crosses(flow.path.links, changes)) affected.push_back(id);
  }
  for (const int id : affected) {
    const Flow flow = flows_.at(id);
    // It arrives in this moment, which SimGrid is about to tell.
    if (engine_.left_of(flow.activity) <= 0) continue;
    const double left = stop(flow);
    flows_.erase(id);
    or_cut_off([&] { return launch_anew(flow, left); }, flow.message->collective, engine_.now(),
               cause);
  }
}

// With `left` bytes: on its path if that is up, else on those that there are now, as the part of
// its message that it was.
void Flows::launch_anew(const Flow& flow, double left) {
  const bool cut = std::any_of(flow.path.links.begin(), flow.path.links.end(),
                               [this](int link) { return !router_.is_up(link); });
  if (!cut) {
    launch(flow.message, flow.path, left, std::max(flow.moves_at, engine_.now()));
    return;
  }
  const topologies::Transfer& transfer = flow.message->transfer;
  const base::Seconds latency = router_.latency(transfer.source, transfer.destination);
  --flow.message->flows_left;
  for (const topologies::Path& path : router_.paths(transfer.source, transfer.destination)) {
    ++flow.message->flows_left;
    launch(flow.message, {path.links, flow.path.share * path.share}, left * path.share,
           engine_.now() + latency);
  }
}

// Flows join their links one by one as their delays pass, which nothing announces, so every event
// may change any rate.
void Flows::read_rates(base::Seconds from) {
  const bool many = flows_.size() > kFewFlows;
  if (reading_means_) {
    if (many && ++events_since_reading_ < flows_.size() / kReadingsOfMany) return;
    read_mean();
    reading_means_ = many;
    return;
  }
  read_each(from);
  if (!many) return;
  reading_means_ = true;
  last_reading_ = engine_.now();
  rounding_then_ = engine_.recorder().clock_rounding();
  carried_ = put_;
  const std::vector<double> left = bytes_left();
  for (std::size_t l = 0; l < carried_.size(); ++l) carried_[l] -= left[l];
}

void Flows::read_each(base::Seconds from) {
  for (const int channel : active_) {
    const double rate = flows_on_[channel] > 0 ? engine_.link_of(channel)->get_usage() : 0.0;
    if (rate == rates_[channel]) continue;
    engine_.recorder().set_rate(channel, from, base::BytesPerSecond(rate));
    rates_[channel] = rate;
  }
  close_idle(from);
}

void Flows::read_mean() {
  events_since_reading_ = 0;
  const base::Seconds now = engine_.now();
  const double spell = (now - last_reading_).value;
  if (spell <= 0) {
    close_idle(now);
    return;
  }
  const base::Seconds rounding = engine_.recorder().clock_rounding();
  const std::vector<double> left = bytes_left();
  for (const int channel : active_) {
    const double capacity = engine_.recorder().capacity(channel).value;
    const double most = capacity * spell;
    double moved = std::max(0.0, put_[channel] - left[channel] - carried_[channel]);
    // Late in a long run the spell was longer than the clock can tell: such bytes have moved.
    const double untold =
        std::clamp(moved - most, 0.0, capacity * (rounding - rounding_then_).value);
    carried_[channel] += untold;
    moved -= untold;
    // Ends of many flows at nearly one time: what rounds off a flow's end is much for such a spell.
    if (moved > most && moved - most <= kRoundedOff * put_[channel]) moved = most;
    rates_[channel] = moved / spell;
    engine_.recorder().set_rate(channel, last_reading_, base::BytesPerSecond(rates_[channel]));
    carried_[channel] += moved;
  }
  last_reading_ = now;
  rounding_then_ = rounding;
  close_idle(now);
}

// [links] of channels, what the flows in flight have left.
std::vector<double> Flows::bytes_left() const {
  std::vector<double> left(put_.size(), 0.0);
  for (const auto& [id, flow] : flows_) {
    const double bytes = engine_.left_of(flow.activity);
    for (const int link : flow.path.links) {
      if (engine_.channels()[link] == link) left[link] += bytes;
    }
  }
  return left;
}

// Forgets the channels that no flow is on, whose rate is 0 from `now` on.
void Flows::close_idle(base::Seconds now) {
  std::size_t kept = 0;
  for (const int channel : active_) {
    is_active_[channel] = flows_on_[channel] > 0;
    if (is_active_[channel]) {
      active_[kept++] = channel;
    } else if (rates_[channel] != 0) {
      engine_.recorder().set_rate(channel, now, base::BytesPerSecond(0));
      rates_[channel] = 0;
    }
  }
  active_.resize(kept);
}

}  // namespace moesim::sim
