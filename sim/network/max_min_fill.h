// SPDX-License-Identifier: Apache-2.0
// Max-min fair rates by progressive filling (Bertsekas and Gallager, Data Networks, 2nd edition,
// section 6.5.2): the level of all rates rises until a link is full, whose messages keep that
// level, and so on.
#pragma once

#include <cstddef>
#include <span>
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

// What shares links. A parcel is one message, or many that are alike and so have equal rates.
struct Fluid {
  std::vector<double> capacities;  // [links] bytes per second, above 0
  IntLists links_of;               // [parcels] the links that each crosses, at least one
  // As links_of.items: what the link carries when each message of the parcel moves one byte. 1 for
  // one message on one way, less where it spreads over several, more for a parcel of many.
  std::vector<double> weights;
  std::vector<double> left;  // [parcels] bytes that each of its messages has left
};

class MaxMinFill {
 public:
  // `fluid` must outlive this, and keep all but `left`.
  explicit MaxMinFill(const Fluid& fluid);

  // Sets `rates` [parcels], bytes per second of each message: max-min fair, none above its cap >= 0
  // (infinity: no cap).
  void fill(const std::vector<double>& caps, std::vector<double>& rates);

 private:
  struct Entry {
    double share = 0;
    int link = 0;
  };

  double share(int link) const { return room_[link] / users_[link]; }
  bool has_users(int link) const { return rising_[link] > 0; }
  void sink(Entry entry);
  std::span<const int> users_of(int link) const {
    return {users_of_.data() + first_user_[link], users_of_.data() + first_user_[link + 1]};
  }
  bool freeze_capped(int link, double level, std::vector<double>& rates);
  void freeze(int parcel, double rate, std::vector<double>& rates);

  const Fluid& fluid_;
  std::vector<int> first_user_;    // [links + 1] in users_of_
  std::vector<int> users_of_;      // parcels, link by link
  std::vector<double> all_users_;  // [links] sum of their weights
  // The state of one filling.
  std::vector<double> caps_;   // [parcels] infinity for those that rise no more
  std::vector<double> room_;   // [links]
  std::vector<double> users_;  // [links] weights of the parcels still rising
  std::vector<int> rising_;    // [links] how many these are
  std::vector<Entry> heap_;    // the least first
};

}  // namespace moesim::sim
