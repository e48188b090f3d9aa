// SPDX-License-Identifier: Apache-2.0
#include "sim/network/round_tracker.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::sim {

RoundTracker::RoundTracker(const Collective& collective)
    : collective_(collective), round_of_(collective.transfers.size(), 0) {
  std::size_t begin = 0;
  for (std::size_t round = 0; round < collective.rounds.size(); ++round) {
    const std::size_t end = collective.rounds[round].end;
    CHECK(begin <= end && end <= collective.transfers.size(), "rounds follow one another");
    for (std::size_t m = begin; m < end; ++m) round_of_[m] = static_cast<int>(round);
    begin = end;
  }
  CHECK(collective.rounds.empty() || begin == collective.transfers.size(),
        "the last round ends with the last message");
  for (std::size_t m = 0; m < collective.transfers.size(); ++m) {
    const topologies::Transfer& transfer = collective.transfers[m];
    if (!carries(transfer)) continue;
    ++num_messages_;
    for (const int number : {transfer.source, transfer.destination}) {
      if (number >= static_cast<int>(endpoints_.size())) endpoints_.resize(number + 1);
      Endpoint& end = endpoints_[number];
      if (end.rounds.empty() || end.rounds.back() != round_of_[m]) {
        if (!end.rounds.empty()) end.messages.end_list();
        end.rounds.push_back(round_of_[m]);
      }
      end.messages.items.push_back(static_cast<int>(m));
    }
  }
  for (Endpoint& end : endpoints_) {
    if (end.rounds.empty()) continue;
    end.messages.end_list();
    end.left = static_cast<int>(end.messages.list(0).size());
  }
}

std::vector<int> RoundTracker::first_messages() {
  std::vector<int> ready;
  for (int m = 0; m < static_cast<int>(round_of_.size()); ++m) {
    if (carries(collective_.transfers[m]) && is_ready(m)) ready.push_back(m);
  }
  return ready;
}

bool RoundTracker::is_ready(int message) const {
  const topologies::Transfer& transfer = collective_.transfers[message];
  const Endpoint& source = endpoints_[transfer.source];
  const Endpoint& destination = endpoints_[transfer.destination];
  return source.rounds[source.at] == round_of_[message] &&
         destination.rounds[destination.at] == round_of_[message];
}

std::vector<int> RoundTracker::arrive(int message) {
  std::vector<int> ready;
  step(collective_.transfers[message].source, ready);
  step(collective_.transfers[message].destination, ready);
  std::sort(ready.begin(), ready.end());
  ready.erase(std::unique(ready.begin(), ready.end()), ready.end());
  return ready;
}

// One message less for this endpoint; its next round may begin.
void RoundTracker::step(int number, std::vector<int>& ready) {
  Endpoint& end = endpoint(number);
  CHECK(end.left > 0, "a message arrives once");
  if (--end.left > 0 || ++end.at == end.rounds.size()) return;
  const std::span<const int> next = end.messages.list(end.at);
  end.left = static_cast<int>(next.size());
  for (const int m : next) {
    if (is_ready(m)) ready.push_back(m);
  }
}

base::Seconds RoundTracker::wait_before(int message) const {
  if (collective_.rounds.empty()) return base::Seconds(0);
  return collective_.rounds[round_of_[message]].latency;
}

}  // namespace moesim::sim
