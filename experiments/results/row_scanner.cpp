// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/row_scanner.h"

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

// Thrown where the text is not what the scanner knows; the JSON parser then has the word.
struct Unknown {};

// Walks the row once. It takes the shape of JSON for granted and gives up where it does not hold.
class Scanner {
 public:
  Scanner(std::string_view row, const NumberSink& sink) : row_(row), sink_(sink) {}

  std::string_view status() const { return status_; }
  std::string_view reason() const { return reason_; }
  std::string_view scenario() const { return scenario_; }

  void scan() {
    members("");
    skip_space();
    if (at_ != row_.size()) throw Unknown();
  }

 private:
  void members(const std::string& prefix) {
    take('{');
    if (next_is('}')) return;
    std::string unescaped;
    do {
      const std::string_view name = text(unescaped);
      take(':');
      member(prefix, name);
    } while (next_is(','));
    take('}');
  }

  void member(const std::string& prefix, std::string_view name) {
    skip_space();
    const char first = peek();
    if (first == '{' && prefix.empty() && name == "scenario") {
      scenario_ = skip();
    } else if (first == '{') {
      members(prefix + std::string(name) + ".");
    } else if (first == '-' || (first >= '0' && first <= '9')) {
      key_.assign(prefix).append(name);
      sink_(key_, skip_plain());
    } else if (first == '"') {
      const std::string_view value = raw_text();
      if (prefix.empty() && name == "status") status_ = value;
      if (prefix.empty() && name == "reason") reason_ = value;
    } else {
      skip();
    }
  }

  char peek() const {
    if (at_ == row_.size()) throw Unknown();
    return row_[at_];
  }
  void skip_space() {
    while (at_ < row_.size() && std::string_view(" \t\r\n").find(row_[at_]) < 4) ++at_;
  }
  bool next_is(char wanted) {
    skip_space();
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void take(char wanted) {
    if (!next_is(wanted)) throw Unknown();
  }

  // With its quotation marks.
  std::string_view raw_text() {
    const std::size_t begin = at_;
    take('"');
    for (; peek() != '"'; ++at_) {
      if (peek() == '\\') ++at_;
    }
    ++at_;
    return row_.substr(begin, at_ - begin);
  }

  // A key; one with an escape is kept in `unescaped`.
  std::string_view text(std::string& unescaped) {
    skip_space();
    const std::string_view raw = raw_text();
    if (raw.find('\\') == std::string_view::npos) return raw.substr(1, raw.size() - 2);
    unescaped = base::parse_json(raw, "key").text;
    return unescaped;
  }

  std::string_view skip_plain() {
    const std::size_t begin = at_;
    at_ = std::min(row_.find_first_of(",}] \t\r\n", at_), row_.size());
    return row_.substr(begin, at_ - begin);
  }

  // A value of any kind, unread.
  std::string_view skip() {
    const std::size_t begin = at_;
    int depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        raw_text();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (depth < 0) throw Unknown();
      ++at_;
      if (depth == 0 && c != '}' && c != ']') skip_plain();
    } while (depth > 0);
    return row_.substr(begin, at_ - begin);
  }

  std::string_view row_;
  const NumberSink& sink_;
  std::size_t at_ = 0;
  std::string key_;
  std::string_view status_;
  std::string_view reason_;
  std::string_view scenario_;
};

std::string decoded(std::string_view raw, const std::string& origin) {
  if (raw.empty()) return {};
  if (raw.find('\\') != std::string_view::npos) return base::parse_json(raw, origin).text;
  return std::string(raw.substr(1, raw.size() - 2));
}

}  // namespace

RowFacts scan_row(std::string_view row, const std::string& origin, const NumberSink& sink) {
  Scanner scanner(row, sink);
  try {
    scanner.scan();
  } catch (const Unknown&) {
    base::parse_json(row, origin);  // says what is wrong, and where
    throw Error(origin, "is no result of this version of moesim", "restore the file");
  }
  if (scanner.scenario().empty()) throw Error(origin, "is no result", "restore the file");
  return {decoded(scanner.status(), origin), decoded(scanner.reason(), origin),
          base::parse_json(scanner.scenario(), origin)};
}

}  // namespace moesim::experiments
