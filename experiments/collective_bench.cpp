// SPDX-License-Identifier: Apache-2.0
#include "experiments/collective_bench.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/parallel.h"
#include "experiments/runs/child_process.h"
#include "sim/traffic_shape.h"

namespace moesim::experiments {
namespace {

using base::Bytes;
using base::Error;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostSizes = 10000;

sim::CollectiveEnd simulate(const sim::Collective& collective, sim::Fidelity fidelity,
                            topologies::Router& router) {
  const auto network = sim::make_network(
      fidelity, router, {.most_at_once = 1, .num_threads = base::number_of_cores()});
  sim::CollectiveEnd end;
  network->start(collective, [&end](const sim::CollectiveEnd& at) { end = at; });
  network->run();
  return end;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Timed {
  double time_s = 0;   // simulated
  double floor_s = 0;  // simulated
  double wall_s = 0;
};

Timed timed_in_child(const sim::Collective& collective, sim::Fidelity fidelity,
                     topologies::Router& router) {
  const std::string answer = in_child_process([&] {
    const auto start = Clock::now();
    Timed timed;
    const sim::CollectiveEnd end = simulate(collective, fidelity, router);
    timed.time_s = end.end.value;
    timed.floor_s = end.floor.value;
    timed.wall_s = seconds_since(start);
    return std::string(reinterpret_cast<const char*>(&timed), sizeof timed);
  });
  CHECK(answer.size() == sizeof(Timed), "the child sends three numbers");
  Timed timed;
  std::memcpy(&timed, answer.data(), sizeof timed);
  return timed;
}

}  // namespace

std::vector<Bytes> sizes_of(const SizeRange& range, Bytes granule) {
  if (range.end < range.begin) {
    throw Error("-e",
                "the largest size, " + base::to_text(range.end) + ", is below the smallest, " +
                    base::to_text(range.begin),
                "exchange them");
  }
  if (range.factor != 0 && range.step.value != 0) {
    throw Error("-f", "sizes grow by a factor or by a step", "give one of -f and -i");
  }
  if (range.factor != 0 && !(range.factor > 1 && std::isfinite(range.factor))) {
    throw Error("-f", "a factor that does not grow never ends", "use 2");
  }
  const bool lone = range.factor == 0 && range.step.value == 0;
  if (lone && range.begin != range.end) {
    throw Error("-e", "nothing says how sizes grow", "add -f 2, or a step as -i 1M");
  }
  std::vector<Bytes> sizes;
  for (double size = range.begin.value; size <= range.end.value * (1 + 1e-12);
       size = range.factor != 0 ? size * range.factor : size + range.step.value) {
    const Bytes whole = granule * std::ceil(size / granule.value * (1 - 1e-15));
    if (sizes.empty() || sizes.back() < whole) sizes.push_back(whole);
    if (lone) break;
    if (sizes.size() > kMostSizes) {
      throw Error("-i", "more than " + std::to_string(kMostSizes) + " sizes", "take larger steps");
    }
  }
  return sizes;
}

CollectiveBench::CollectiveBench(BenchCase bench)
    : bench_(std::move(bench)),
      router_(std::make_unique<topologies::Router>(
          sim::achieved(topologies::build_cluster(bench_.cluster), bench_.protocol),
          topologies::routing_options(bench_.cluster))) {}

CollectiveBench::~CollectiveBench() = default;
CollectiveBench::CollectiveBench(CollectiveBench&&) noexcept = default;

Bytes CollectiveBench::own_size() const {
  Bytes sum;
  for (const Bytes bytes : bench_.collective.traffic) sum += bytes;
  return bench_.collective.traffic.empty() ? Bytes(0) : sum / num_ranks();
}

sim::Collective CollectiveBench::collective_of(Bytes size) {
  sim::BenchedCollective wanted = bench_.collective;
  wanted.size = size;
  const bool skewed = bench_.skew.distribution != sim::Distribution::uniform;
  if (wanted.kind == sim::CollectiveKind::all_to_all && wanted.traffic.empty() && skewed) {
    wanted.traffic = sim::shaped_traffic(bench_.skew, bench_.seed, num_ranks(), size);
  }
  return sim::with_protocol(sim::build(wanted, *router_), bench_.protocol, *router_);
}

BenchFigures CollectiveBench::measure(Bytes size) {
  const auto start = Clock::now();
  const sim::Collective collective = collective_of(size);
  BenchFigures figures;
  if (bench_.fidelity == sim::Fidelity::analytic) {
    figures.floor = simulate(collective, bench_.fidelity, *router_).floor;
    figures.time = figures.floor;
    figures.wall_s = seconds_since(start);
  } else {
    figures.wall_s = seconds_since(start);
    const Timed timed = timed_in_child(collective, bench_.fidelity, *router_);
    figures.floor = base::Seconds(timed.floor_s);
    figures.time = base::Seconds(timed.time_s);
    figures.wall_s += timed.wall_s;
  }
  if (figures.time.value > 0) figures.algbw = size / figures.time;
  figures.busbw = figures.algbw * sim::bus_factor(bench_.collective.kind, num_ranks());
  return figures;
}

}  // namespace moesim::experiments
