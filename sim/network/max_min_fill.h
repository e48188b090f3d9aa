// SPDX-License-Identifier: Apache-2.0
// Max-min fair rates by progressive filling (Bertsekas and Gallager, Data Networks, 2nd edition,
// section 6.5.2): the level of all rates rises until a link is full, whose messages keep that
// level, and so on.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace moesim::sim {

// Lists of integers end to end: list i is items[first[i]] .. items[first[i + 1] - 1].
struct IntLists {
  std::vector<int> first = {0};
  std::vector<int> items;

  std::size_t size() const { return first.size() - 1; }
  std::span<const int> list(std::size_t i) const {
    return {items.data() + first[i], items.data() + first[i + 1]};
  }
  void append(std::span<const int> list) {
    items.insert(items.end(), list.begin(), list.end());
    end_list();
  }
  void end_list() { first.push_back(static_cast<int>(items.size())); }
};

class MaxMinFill {
 public:
  // `links_of` [messages]: the links that each crosses, at least one; `capacities` [links] > 0.
  MaxMinFill(const IntLists& links_of, const std::vector<double>& capacities);

  // Sets `rates` [messages]: max-min fair, none above its cap >= 0 (infinity: no cap).
  void fill(const std::vector<double>& caps, std::vector<double>& rates);

 private:
  double share(int link) const { return room_[link] / static_cast<double>(users_[link]); }
  void push(int link);
  bool freeze_capped(int link, double level, const std::vector<double>& caps,
                     std::vector<double>& rates);
  void freeze(int message, double rate, std::vector<double>& rates);

  const IntLists& links_of_;
  const std::vector<double>& capacities_;
  IntLists messages_of_;  // [links]
  // The state of one filling.
  std::vector<double> room_;                  // [links]
  std::vector<int> users_;                    // [links] messages still rising
  std::vector<std::pair<double, int>> heap_;  // (share, link): the least first
};

}  // namespace moesim::sim
