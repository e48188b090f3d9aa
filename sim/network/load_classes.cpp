// SPDX-License-Identifier: Apache-2.0
// classes_of of fluid.h: the quotient of a dense traffic by load class.
#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "sim/network/fluid.h"
#include "sim/network/round_tracker.h"

namespace moesim::sim {
namespace {

// Links of one kind and load, as one.
struct Colours {
  std::vector<int> of_link;        // [links] -1 for those without load
  std::vector<double> capacities;  // [colours] summed over their links
};

// What makes links alike: what they are, how fast, and how long their bytes take.
Colours colour_links(const topologies::Cluster& cluster, const std::vector<int>& channels,
                     std::span<const topologies::LinkLoad> loads, double bin) {
  Colours colours;
  colours.of_link.assign(cluster.links.size(), -1);
  using Kind = std::tuple<topologies::LinkKind, int, int, double, std::int64_t>;
  std::map<Kind, int> known;
  for (const topologies::LinkLoad& load : loads) {
    if (channels[load.link] != load.link) continue;
    const topologies::Link& link = cluster.links[load.link];
    const double time = (load.bytes / link.bandwidth).value;
    const Kind kind{link.kind, cluster.vertices[link.from].tier, cluster.vertices[link.to].tier,
                    link.bandwidth.value, static_cast<std::int64_t>(time / bin)};
    const auto [found, is_new] = known.emplace(kind, static_cast<int>(colours.capacities.size()));
    if (is_new) colours.capacities.push_back(0);
    colours.of_link[load.link] = found->second;
    colours.capacities[found->second] += link.bandwidth.value;
  }
  return colours;
}

using Word = std::vector<std::pair<int, double>>;  // letters, last first

// Words of (colour, share) letters told apart letter by letter, in a tree.
class Words {
 public:
  explicit Words(int num_colours) : num_colours_(num_colours) { add_node(); }

  std::size_t size() const { return letters_.size(); }

  void begin() { at_ = 0; }
  void read(int colour, double share) {
    const int letter = letter_of(colour, share);
    int& next = next_[static_cast<std::size_t>(at_) * stride_ + letter];
    if (next < 0) {
      const int made = num_nodes_;
      next = made;  // before the table may move
      parent_.push_back(at_);
      letter_into_.push_back(letter);
      add_node();
      at_ = made;
    } else {
      at_ = next;
    }
  }

  // The word's number: words are numbered as they first end.
  int end() {
    int& word = word_[at_];
    if (word < 0) {
      word = static_cast<int>(letters_.size());
      letters_.emplace_back();
      for (int node = at_; node != 0; node = parent_[node - 1]) {
        letters_.back().push_back(alphabet_[letter_into_[node - 1]]);
      }
    }
    return word;
  }

  // The letters of each word.
  std::vector<Word> take() { return std::move(letters_); }

 private:
  int letter_of(int colour, double share) {
    if (share == 1.0) return colour;
    const auto found = split_letters_.find({colour, share});
    if (found != split_letters_.end()) return found->second;
    const auto letter = static_cast<int>(alphabet_.size());
    split_letters_.emplace(std::pair(colour, share), letter);
    alphabet_.emplace_back(colour, share);
    if (alphabet_.size() > stride_) widen();
    return letter;
  }

  void add_node() {
    if (num_nodes_ == 0) {
      for (int colour = 0; colour < num_colours_; ++colour) alphabet_.emplace_back(colour, 1.0);
      stride_ = alphabet_.size() + kSpareLetters;
    }
    ++num_nodes_;
    next_.resize(static_cast<std::size_t>(num_nodes_) * stride_, -1);
    word_.push_back(-1);
  }

  void widen() {
    const std::size_t wider = 2 * stride_;
    std::vector<int> next(static_cast<std::size_t>(num_nodes_) * wider, -1);
    for (int node = 0; node < num_nodes_; ++node) {
      std::copy_n(next_.begin() + static_cast<std::ptrdiff_t>(node * stride_), stride_,
                  next.begin() + static_cast<std::ptrdiff_t>(node * wider));
    }
    next_ = std::move(next);
    stride_ = wider;
  }

  static constexpr std::size_t kSpareLetters = 8;

  int num_colours_;
  int num_nodes_ = 0;
  int at_ = 0;
  std::size_t stride_ = 0;
  std::vector<int> next_;         // [nodes x stride] the node after a letter, -1: none yet
  std::vector<int> word_;         // [nodes] the word that ends there, -1: none
  std::vector<int> parent_;       // [nodes - 1] of node 1, 2, ...
  std::vector<int> letter_into_;  // likewise
  std::vector<std::pair<int, double>> alphabet_;
  std::map<std::pair<int, double>, int> split_letters_;
  std::vector<Word> letters_;
};

struct Class {
  double messages = 0;
  double bytes = 0;
};

// The classes of a block of messages; more than kMostClasses are no use to anybody.
struct Sorted {
  std::vector<Word> words;
  std::vector<Class> classes;  // [words]

  bool is_too_many() const { return words.size() > kMostClasses; }
};

Sorted sort_messages(topologies::Router& router, const Colours& colours,
                     std::span<const topologies::Transfer> transfers) {
  Words words(static_cast<int>(colours.capacities.size()));
  std::vector<Class> classes;
  for (const topologies::Transfer& transfer : transfers) {
    if (!carries(transfer)) continue;
    words.begin();
    for (const topologies::Path& path : router.walk_paths(transfer.source, transfer.destination)) {
      for (const int link : path.links) {
        if (colours.of_link[link] >= 0) words.read(colours.of_link[link], path.share);
      }
    }
    const int word = words.end();
    classes.resize(words.size());
    classes[word].messages += 1;
    classes[word].bytes += transfer.bytes.value;
    if (words.size() > kMostClasses) break;
  }
  return {words.take(), std::move(classes)};
}

// Numbers words as they first come up, block after block.
Sorted join(const std::vector<Sorted>& blocks) {
  Sorted joined;
  std::map<Word, std::size_t> known;
  for (const Sorted& block : blocks) {
    for (std::size_t w = 0; w < block.words.size(); ++w) {
      const auto [found, is_new] = known.emplace(block.words[w], joined.words.size());
      if (is_new) {
        joined.words.push_back(block.words[w]);
        joined.classes.emplace_back();
      }
      joined.classes[found->second].messages += block.classes[w].messages;
      joined.classes[found->second].bytes += block.classes[w].bytes;
    }
  }
  return joined;
}

Fluid fluid_of(const Colours& colours, const Sorted& sorted) {
  Fluid fluid;
  fluid.capacities = colours.capacities;
  for (std::size_t c = 0; c < sorted.classes.size(); ++c) {
    const Class& alike = sorted.classes[c];
    std::map<int, double> shares;  // by colour
    for (const auto& [colour, share] : sorted.words[c]) shares[colour] += share;
    for (const auto& [colour, share] : shares) {
      fluid.links_of.items.push_back(colour);
      fluid.weights.push_back(alike.messages * share);
    }
    fluid.links_of.end_list();
    fluid.left.push_back(alike.bytes / alike.messages);
  }
  return fluid;
}

}  // namespace

Fluid classes_of(RouterPool& routers, const std::vector<int>& channels,
                 std::span<const topologies::Transfer> transfers,
                 std::span<const topologies::LinkLoad> loads, double grain) {
  const topologies::Cluster& cluster = routers.router().cluster();
  double busiest = 0;
  for (const topologies::LinkLoad& load : loads) {
    busiest = std::max(busiest, (load.bytes / cluster.links[load.link].bandwidth).value);
  }
  for (double bin = grain * busiest;; bin *= 2) {
    const Colours colours = colour_links(cluster, channels, loads, bin);
    std::vector<Sorted> blocks(num_blocks(transfers));
    for_each_block(routers, transfers, [&](topologies::Router& router, int b, const auto& block) {
      blocks[b] = sort_messages(router, colours, block);
    });
    const Sorted sorted = join(blocks);
    if (!sorted.is_too_many()) return fluid_of(colours, sorted);
  }
}

}  // namespace moesim::sim
