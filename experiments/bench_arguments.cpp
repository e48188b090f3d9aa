// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_arguments.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;

constexpr const char* kRanksHint = "write 64, or 0-7,16,24";

// A number, maybe with K, M or G behind it; anything else is left to parse_bytes.
std::optional<double> parse_short(const std::string& text) {
  const char* const end = text.data() + text.size();
  double bytes = 0;
  const auto [rest, failure] = std::from_chars(text.data(), end, bytes);
  if (failure == std::errc::result_out_of_range && rest == end) return HUGE_VAL;
  if (failure != std::errc() || end - rest > 1) return std::nullopt;
  if (rest == end) return bytes;
  const char* const powers = "KMG";
  const char* const at = std::strchr(powers, std::toupper(static_cast<unsigned char>(*rest)));
  if (at == nullptr || *at == '\0') return std::nullopt;
  return bytes * std::pow(1024.0, static_cast<double>(at - powers) + 1);
}

double parse_any(const std::string& text, const std::string& flag) {
  if (const std::optional<double> bytes = parse_short(text)) return *bytes;
  try {
    return base::parse_bytes(text).value;
  } catch (const Error& error) {
    throw Error(flag, error.message(), "write 1024, 8K, 128M, 1G or \"100 MB\"");
  }
}

int parse_rank(const std::string& text) {
  int rank = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), rank);
  if (failure == std::errc() && end == text.data() + text.size() && rank >= 0) return rank;
  throw Error("--ranks", "\"" + text + "\" is no rank", kRanksHint);
}

// Ranks that are named one after another.
class Named {
 public:
  explicit Named(int available) : available_(available) {}

  void add(int first, int last) {
    if (last >= available_) {
      throw Error(
          "--ranks",
          "the cluster has " + std::to_string(available_) + " ranks, of which " +
              std::to_string(last) + " is none",
          "set cluster.num_nodes higher, or name ranks below " + std::to_string(available_));
    }
    for (int rank = first; rank <= last; ++rank) {
      if (ranks_.insert(rank).second) continue;
      throw Error("--ranks", "rank " + std::to_string(rank) + " is named twice",
                  "name each rank once");
    }
  }

  // "7", or "0-7".
  void add(const std::string& part) {
    const std::size_t dash = part.find('-');
    const int first = parse_rank(part.substr(0, dash));
    const int last = dash == std::string::npos ? first : parse_rank(part.substr(dash + 1));
    if (last < first) {
      throw Error("--ranks", "the range " + part + " ends before it begins",
                  "write " + std::to_string(last) + "-" + std::to_string(first));
    }
    add(first, last);
  }

  std::vector<int> take() const {
    if (ranks_.empty()) throw Error("--ranks", "no rank takes part", kRanksHint);
    return {ranks_.begin(), ranks_.end()};
  }

 private:
  int available_;
  std::set<int> ranks_;
};

}  // namespace

base::Bytes parse_size(const std::string& text, const std::string& flag) {
  const double bytes = parse_any(text, flag);
  if (bytes >= 1 && bytes <= kLargestSize.value) return base::Bytes(bytes);
  throw Error(flag,
              "a size is at least 1 byte and at most " + base::to_text(kLargestSize) +
                  "; found \"" + text + "\"",
              "write 8, 128M or \"1 GiB\"");
}

void refuse_name(const std::string& word, const std::string& flag,
                 const std::vector<std::string>& names) {
  std::string hint = base::did_you_mean(word, names);
  if (hint.empty()) {
    for (const std::string& name : names) hint += (hint.empty() ? "one of " : ", ") + name;
  }
  throw Error(flag, "there is no \"" + word + "\"", hint);
}

std::optional<int> rank_count(const std::optional<std::string>& word) {
  if (!word || word->find_first_of(",-") != std::string::npos) return std::nullopt;
  return parse_rank(*word);
}

std::vector<int> parse_ranks(const std::optional<std::string>& word, int available) {
  Named named(available);
  if (!word) {
    named.add(0, available - 1);
  } else if (const std::optional<int> count = rank_count(word)) {
    named.add(0, *count - 1);
  } else {
    for (const std::string& part : split(*word, ',')) named.add(part);
  }
  return named.take();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace moesim::experiments
