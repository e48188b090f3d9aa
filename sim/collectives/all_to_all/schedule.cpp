// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all/schedule.h"

#include <utility>

#include "base/check.h"

namespace moesim::sim {

void Schedule::send(int from, int to, base::Bytes bytes, std::int64_t messages) {
  if (bytes.value <= 0) return;
  if (messages != 1) made_.messages.resize(made_.transfers.size(), 1);
  made_.transfers.push_back({group_.ranks[from], group_.ranks[to], bytes});
  if (messages != 1 || !made_.messages.empty()) made_.messages.push_back(messages);
}

void Schedule::end_round() {
  const std::size_t begin = made_.rounds.empty() ? 0 : made_.rounds.back().end;
  if (made_.transfers.size() > begin) made_.rounds.push_back({made_.transfers.size(), {}});
}

void Schedule::add_stage(int from, int to, base::Bytes bytes) {
  made_.pipeline.push_back({{group_.ranks[from], group_.ranks[to], bytes}, 1});
}

void Schedule::reverse() {
  for (topologies::Transfer& transfer : made_.transfers) {
    std::swap(transfer.source, transfer.destination);
  }
  for (PipelineStage& stage : made_.pipeline) std::swap(stage.hop.source, stage.hop.destination);
  if (made_.rounds.empty()) return;
  CHECK(made_.messages.empty(), "no algorithm with rounds counts messages");
  std::vector<topologies::Transfer> transfers;
  std::vector<Round> rounds;
  transfers.reserve(made_.transfers.size());
  for (std::size_t round = made_.rounds.size(); round-- > 0;) {
    const std::size_t begin = round == 0 ? 0 : made_.rounds[round - 1].end;
    transfers.insert(
        transfers.end(), made_.transfers.begin() + static_cast<std::ptrdiff_t>(begin),
        made_.transfers.begin() + static_cast<std::ptrdiff_t>(made_.rounds[round].end));
    rounds.push_back({transfers.size(), {}});
  }
  made_.transfers = std::move(transfers);
  made_.rounds = std::move(rounds);
}

Collective Schedule::take(bool reversed) {
  CHECK(made_.rounds.empty() || made_.rounds.back().end == made_.transfers.size(),
        "the last round ends with the last message");
  if (reversed) reverse();
  made_.ranks = group_.ranks;
  return std::move(made_);
}

}  // namespace moesim::sim
