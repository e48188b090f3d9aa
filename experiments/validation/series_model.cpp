// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/series_model.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "experiments/runs/child_process.h"
#include "experiments/validation/case_collective.h"
#include "experiments/validation/case_routing.h"
#include "sim/scenario.h"
#include "topologies/cluster_config.h"

namespace moesim::experiments {
namespace {

std::vector<int> participants(const MeasuredCase& measured, int num_ranks) {
  const int stride = measured.rank_stride;
  const int available = (num_ranks + stride - 1) / stride;
  const int count = measured.ranks.value_or(available);
  if (count > available) {
    throw base::Error(
        measured.id,
        std::to_string(count) + " ranks take part in a machine of " + std::to_string(available),
        "lower `ranks` or raise `num_nodes`");
  }
  std::vector<int> ranks(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) ranks[i] = i * stride;
  return ranks;
}

base::Seconds simulated_time(const sim::Collective& collective, sim::Fidelity fidelity,
                             topologies::Router& router, const std::function<void()>& waiting) {
  if (fidelity == sim::Fidelity::analytic) return sim::floor_of(router, collective);
  const auto simulate = [&] {
    const auto network = sim::make_network(fidelity, router, {.most_at_once = 1});
    double end = 0;
    network->start(collective, [&end](const sim::CollectiveEnd& done) { end = done.end.value; });
    network->run();
    return fmt::format("{}", end);
  };
  return base::Seconds(std::stod(in_child_process(simulate, waiting)));
}

}  // namespace

sim::Protocol protocol_of(const Series& series) {
  sim::CommConfig comm;
  base::ReadReport report;
  base::read_json(sim::resolve_comm_preset(series.protocol), comm, report, "/protocol");
  return comm.protocol;
}

const SeriesModel::Machine& SeriesModel::machine_of(const Series& series, int num_nodes) {
  const auto known = machines_.find(num_nodes);
  if (known != machines_.end()) return known->second;
  base::JsonValue section = topologies::resolve_cluster_presets(series.cluster);
  base::set_json_at(section, "num_nodes", base::json_of(num_nodes), "num_nodes");
  Machine machine;
  base::ReadReport report;
  base::read_json(section, machine.config, report, "/cluster");
  machine.cluster = topologies::build_cluster(machine.config);
  return machines_.emplace(num_nodes, std::move(machine)).first->second;
}

void SeriesModel::prepare(const Series& series, std::size_t index, int num_threads) {
  const MeasuredCase& measured = cases_[index];
  Prepared prepared;
  prepared.machine = &machine_of(series, measured.num_nodes);
  const topologies::Cluster& cluster = prepared.machine->cluster;
  prepared.group = sim::group_of(cluster, participants(measured, cluster.num_ranks()));
  if (is_moe(measured.operation)) {
    for (std::size_t other = 0; other < index && !prepared.plan; ++other) {
      if (is_moe(cases_[other].operation) && same_routing(measured, cases_[other])) {
        prepared.plan = prepared_[other].plan;
      }
    }
    if (!prepared.plan) {
      prepared.plan = std::make_shared<const sim::DispatchPlan>(
          draw_plan(measured, prepared.group, num_threads));
    }
  }
  prepared_.push_back(std::move(prepared));
}

SeriesModel::SeriesModel(const Series& series, int num_threads) : cases_(series.cases) {
  for (std::size_t index = 0; index < cases_.size(); ++index) prepare(series, index, num_threads);
}

base::Seconds SeriesModel::measured_time(std::size_t index) const {
  const MeasuredCase& measured = cases_[index];
  if (measured.time) return *measured.time;
  const base::Bytes row = sim::row_bytes(measured.dtype, measured.hidden_size);
  return mean_rows(*prepared_[index].plan, measured.counted_rows) * row / *measured.bandwidth;
}

std::vector<double> SeriesModel::time_ratios(const sim::Protocol& protocol, sim::Fidelity fidelity,
                                             const std::vector<std::size_t>& cases,
                                             const CasesDone& progress) const {
  std::map<std::pair<const Machine*, int>, topologies::Router> routers;  // by machine and comm_sms
  std::vector<double> ratios;
  const auto tell = [&] {
    if (progress) progress(static_cast<int>(ratios.size()));
  };
  for (const std::size_t index : cases) {
    tell();
    const Prepared& prepared = prepared_[index];
    sim::Protocol here = protocol;
    here.comm_sms = cases_[index].comm_sms.value_or(protocol.comm_sms);
    const std::pair key(prepared.machine, here.comm_sms);
    auto router = routers.find(key);
    if (router == routers.end()) {
      router =
          routers
              .emplace(std::piecewise_construct, std::forward_as_tuple(key),
                       std::forward_as_tuple(sim::achieved(prepared.machine->cluster, here),
                                             topologies::routing_options(prepared.machine->config)))
              .first;
    }
    const sim::Collective collective = sim::with_protocol(
        collective_of(cases_[index], prepared.group, prepared.plan.get(), router->second), here,
        router->second);
    ratios.push_back(simulated_time(collective, fidelity, router->second, tell) /
                     measured_time(index));
  }
  return ratios;
}

}  // namespace moesim::experiments
