// SPDX-License-Identifier: Apache-2.0
// Prints the agreement tables of docs/validation.md: networks against each other, against the
// oracles and against hands. The same numbers every time.
//   agreement_table [MOST_RANKS]
//   agreement_table wall
// The second form prints instead how long `collective` takes to simulate large all-to-alls, which
// no two machines agree on.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "tests/oracles/network/agreement.h"
#include "tests/oracles/network/fabrics.h"
#include "tests/oracles/network/measure.h"
#include "tests/oracles/network/worked_cases.h"

namespace moesim::testing {
namespace {

constexpr int kSizes[] = {16, 32, 64, 128};
constexpr int kSolverRanks = 32;
constexpr int kPacketRanks[] = {8, 16};

std::string percent(double part) {
  return part < 1e-5 ? "under 0.001 %" : fmt::format("{:.2g} %", part * 100);
}
std::string signed_percent(double part) { return fmt::format("{:+.2f} %", part * 100); }
std::string micros(double time_s) { return fmt::format("{:.2f} us", time_s * 1e6); }

// What takes long says so where nobody mistakes it for a table.
void say(const std::string& what) { fmt::print(stderr, "agreement_table: {}\n", what); }

std::string agreement_cell(const Fabric& fabric, Traffic traffic, int num_ranks,
                           std::vector<Agreement>& all) {
  if (!is_quick(fabric, num_ranks)) return " |";
  say(fmt::format("{}, {}, {} ranks", fabric.name, name_of(traffic), num_ranks));
  all.push_back(agreement_of(fabric, traffic, num_ranks));
  return fmt::format(" {} |", signed_percent(all.back().difference()));
}

void print_agreements(int most_ranks) {
  std::vector<int> sizes;
  for (const int num_ranks : kSizes) {
    if (num_ranks <= most_ranks) sizes.push_back(num_ranks);
  }
  fmt::print("### `collective` against `flow`\n");
  fmt::print(
      "Time of an all-to-all of 1 MB a pair, difference of `flow`'s. Empty: `flow` takes "
      "minutes.\n\n| fabric | traffic |");
  for (const int size : sizes) fmt::print(" {} ranks |", size);
  fmt::print("\n|---|---|");
  for (std::size_t i = 0; i < sizes.size(); ++i) fmt::print("---|");
  std::vector<Agreement> all;
  for (const Fabric& named : fabrics_of(kSizes[0])) {
    for (const Traffic traffic : kTraffics) {
      fmt::print("\n| {} | {} |", named.name, name_of(traffic));
      for (const int size : sizes) {
        fmt::print("{}", agreement_cell(fabric_of(named.name, size), traffic, size, all));
      }
    }
  }
  const Spread spread = spread_of(all);
  fmt::print("\n\nOf {} cases: median {}, worst {}.\n", all.size(), percent(spread.median),
             percent(spread.worst));
}

// Largest and mean difference of messages' ends, of the whole collective's time.
std::pair<double, double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  double sum = 0;
  for (std::size_t m = 0; m < a.size(); ++m) {
    worst = std::max(worst, std::abs(a[m] - b[m]));
    sum += std::abs(a[m] - b[m]);
  }
  return {worst / latest(b), sum / static_cast<double>(a.size()) / latest(b)};
}

void print_solver() {
  say("solver");
  double worst = 0;
  std::size_t messages = 0;
  for (const Fabric& fabric : fabrics_of(kSolverRanks)) {
    for (const Traffic traffic : kTraffics) {
      const sim::Collective collective = all_to_all_of(traffic, kSolverRanks, 1e6, 1);
      const std::vector<double> expected = solver_ends(fabric, collective);
      messages += expected.size();
      worst = std::max(worst, differences(message_ends(fabric, collective), expected).first);
    }
  }
  fmt::print("\n### `flow` against the max-min solver\n");
  fmt::print(
      "{} messages, {} ranks, all fabrics and traffic: the end of the worst one "
      "differs by {} of its collective's time.\n",
      messages, kSolverRanks, percent(worst));
}

// The cells of one case: difference of the ends, mean difference of messages, shared buffers.
std::string packet_cells(const Fabric& fabric, const sim::Collective& collective) {
  const std::vector<double> flow = message_ends(fabric, collective);
  const std::vector<double> packets = packet_ends(fabric, collective);
  std::string shared = "deadlock";
  try {
    const PacketOptions options = {4096, Queueing::shared_fifo};
    shared = signed_percent(latest(flow) / latest(packet_ends(fabric, collective, options)) - 1);
  } catch (const Deadlock&) {
  }
  return fmt::format(" {} | {} | {} |", signed_percent(latest(flow) / latest(packets) - 1),
                     percent(differences(packets, flow).second), shared);
}

void print_packets() {
  say("packets");
  fmt::print("\n### `flow` against packets\n");
  fmt::print(
      "Packets of 4 KiB with credits, 1 MB a pair. \"messages\": mean difference of messages' "
      "ends, "
      "of the whole time.\n\"shared\": with one buffer a port and no turns for messages "
      "(head-of-line blocking), which `flow` does not model;\n\"deadlock\": full buffers wait for "
      "each "
      "other in a circle.\n\n");
  fmt::print("| fabric | traffic |");
  for (const int size : kPacketRanks) fmt::print(" {0} ranks | messages | shared |", size);
  fmt::print("\n|---|---|");
  for (std::size_t i = 0; i < std::size(kPacketRanks); ++i) fmt::print("---|---|---|");
  for (const Fabric& named : fabrics_of(kPacketRanks[0])) {
    for (const Traffic traffic : kTraffics) {
      fmt::print("\n| {} | {} |", named.name, name_of(traffic));
      for (const int num_ranks : kPacketRanks) {
        fmt::print("{}", packet_cells(fabric_of(named.name, num_ranks),
                                      all_to_all_of(traffic, num_ranks, 1e6, 1)));
      }
    }
  }
  fmt::print("\n");
}

void print_worked_cases() {
  fmt::print("\n### Beside hands and other simulators\n");
  fmt::print("Others as measured by running them: {}; newer versions may differ.\n\n",
             kOtherVersions);
  fmt::print(
      "| case | by hand | `analytic` | `collective` | `flow` | others "
      "|\n|---|---|---|---|---|---|\n");
  for (const WorkedCase& c : worked_cases()) {
    fmt::print("| {} | {} = {} | {} | {} | {} | {} |\n", c.what, c.by_hand, micros(c.expected_s),
               micros(end_of(sim::Fidelity::analytic, c.fabric, c.collective)),
               micros(end_of(sim::Fidelity::collective, c.fabric, c.collective)),
               micros(end_of(sim::Fidelity::flow, c.fabric, c.collective)), c.others);
  }
}

void print_wall_times() {
  for (const int num_nodes : {32, 128}) {
    for (const Traffic traffic : {Traffic::uniform, Traffic::zipf}) {
      const Fabric fabric = nodes_on_one_switch(num_nodes, 8);
      const sim::Collective collective = all_to_all_of(traffic, num_nodes * 8, 1e6, 1);
      const auto begin = std::chrono::steady_clock::now();
      const double end = end_of(sim::Fidelity::collective, fabric, collective);
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
      fmt::print("{} ranks, {}: {:.2f} ms simulated in {:.3f} s\n", num_nodes * 8, name_of(traffic),
                 end * 1e3, wall.count());
    }
  }
}

}  // namespace
}  // namespace moesim::testing

int main(int count, char** arguments) {
  using namespace moesim::testing;
  try {
    if (count > 1 && std::string(arguments[1]) == "wall") {
      print_wall_times();
      return 0;
    }
    print_agreements(count > 1 ? std::atoi(arguments[1]) : 128);
    print_solver();
    print_packets();
    print_worked_cases();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "agreement_table: %s\n", error.what());
    return 1;
  }
  return 0;
}
