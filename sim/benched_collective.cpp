// SPDX-License-Identifier: Apache-2.0
#include "sim/benched_collective.h"

#include <array>

#include "base/error.h"
#include "base/named_table.h"
#include "sim/collectives/all_gather.h"
#include "sim/collectives/all_reduce.h"
#include "sim/collectives/all_to_all.h"
#include "sim/collectives/broadcast.h"
#include "sim/collectives/reduce_scatter.h"
#include "sim/collectives/send_recv.h"

namespace moesim::sim {
namespace {

using topologies::Router;

template <class Enum>
std::vector<std::string> words() {
  std::vector<std::string> list;
  for (const auto& [id, name] : names_of(Enum{})) list.push_back(name);
  return list;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& word : list) text += (text.empty() ? "" : ", ") + word;
  return text;
}

template <class Enum>
Enum algorithm_of(const BenchedCollective& bench) {
  for (const auto& [id, name] : names_of(Enum{})) {
    if (name == bench.algorithm) return id;
  }
  const std::string near = base::did_you_mean(bench.algorithm, words<Enum>());
  throw base::Error(
      "--algorithm",
      base::name_in_words(bench.kind) + " has no algorithm \"" + bench.algorithm + "\"",
      near.empty() ? "one of " + joined(words<Enum>()) : near);
}

// The same of every rank.
std::vector<base::Bytes> each(const BenchedCollective& bench, base::Bytes size) {
  return std::vector<base::Bytes>(bench.ranks.size(), size);
}

Collective build_all_to_all(const BenchedCollective& bench, Router& router) {
  const auto algorithm = algorithm_of<AllToAll>(bench);
  const std::size_t n = bench.ranks.size();
  const Group group = group_of(router.cluster(), bench.ranks);
  if (!bench.traffic.empty()) {
    return all_to_all(algorithm, group, bench.traffic, bench.message_bytes);
  }
  const std::vector<base::Bytes> alike(n * n, bench.size / static_cast<double>(n));
  return all_to_all(algorithm, group, alike, bench.message_bytes);
}

Collective build_all_reduce(const BenchedCollective& bench, Router& router) {
  try {
    return all_reduce(algorithm_of<AllReduce>(bench), router, bench.ranks, each(bench, bench.size));
  } catch (const base::Error& error) {
    // An experiment's key to a step; here the flag names the algorithm.
    if (error.where() != "/comm/all_reduce") throw;
    throw base::Error("--algorithm", error.message(), error.hint());
  }
}

Collective build_all_gather(const BenchedCollective& bench, Router& router) {
  const base::Bytes block = bench.size / static_cast<double>(bench.ranks.size());
  return all_gather(algorithm_of<AllGather>(bench), router, bench.ranks, each(bench, block));
}

Collective build_reduce_scatter(const BenchedCollective& bench, Router& router) {
  return reduce_scatter(algorithm_of<ReduceScatter>(bench), router, bench.ranks,
                        each(bench, bench.size));
}

Collective build_broadcast(const BenchedCollective& bench, Router& router) {
  return broadcast(algorithm_of<Broadcast>(bench), router, bench.ranks, each(bench, bench.size));
}

Collective build_send_recv(const BenchedCollective& bench, Router&) {
  if (!bench.algorithm.empty()) {
    throw base::Error("--algorithm", "send_recv has one way only", "leave it out");
  }
  return send_recv(bench.ranks, each(bench, bench.size));
}

double once(double) { return 1; }
double all_but_own(double n) { return (n - 1) / n; }
double there_and_back(double n) { return 2 * (n - 1) / n; }
std::vector<std::string> none() { return {}; }

struct KindEntry {
  CollectiveKind id;
  const char* name;
  std::vector<std::string> (*algorithms)();
  Collective (*build)(const BenchedCollective&, Router&);
  double (*bus_factor)(double num_ranks);
};

constexpr std::array<KindEntry, 6> kKinds = {{
    {CollectiveKind::all_to_all, "all_to_all", words<AllToAll>, build_all_to_all, all_but_own},
    {CollectiveKind::all_reduce, "all_reduce", words<AllReduce>, build_all_reduce, there_and_back},
    {CollectiveKind::all_gather, "all_gather", words<AllGather>, build_all_gather, all_but_own},
    {CollectiveKind::reduce_scatter, "reduce_scatter", words<ReduceScatter>, build_reduce_scatter,
     all_but_own},
    {CollectiveKind::broadcast, "broadcast", words<Broadcast>, build_broadcast, once},
    {CollectiveKind::send_recv, "send_recv", none, build_send_recv, once},
}};

}  // namespace

base::EnumNames<CollectiveKind> names_of(CollectiveKind) { return base::names_in(kKinds); }

std::vector<std::string> algorithms_of(CollectiveKind kind) {
  return base::row_of(kKinds, kind).algorithms();
}

Collective build(const BenchedCollective& bench, Router& router) {
  Collective collective = base::row_of(kKinds, bench.kind).build(bench, router);
  collective.name = base::name_in_words(bench.kind);
  return collective;
}

double bus_factor(CollectiveKind kind, int num_ranks) {
  return base::row_of(kKinds, kind).bus_factor(num_ranks);
}

}  // namespace moesim::sim
