// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/dot_scan.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace moesim::topologies {
namespace {

constexpr std::size_t kMaxWordBytes = 1000;
constexpr int kMaxWords = 8'000'000;

bool is_word_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '.' || byte >= 0x80;
}

std::string lower(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class DotScan {
 public:
  DotScan(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void run() {
    while (at_ < text_.size()) step();
    if (depth_ > 0 || graphs_ == 0) {
      fail(graphs_ == 0 ? "there is no graph" : "the graph's brace is not closed",
           "digraph cluster { ... }");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint) const {
    throw base::Error(name_ + ":" + std::to_string(line_), what, hint);
  }

  void step() {
    const char c = text_[at_];
    const std::string_view rest = text_.substr(at_);
    if (c == '\n') ++line_;
    if (rest.starts_with("//") || (c == '#' && is_line_start())) return skip_past("\n");
    if (rest.starts_with("/*")) return skip_past("*/");
    if (c == '"') return quoted();
    if (is_word_character(c)) return word();
    if (c == '{') open_brace();
    if (c == '}' && --depth_ < 0) fail("a brace closes what none opened", "remove it");
    if (c == '[') ++brackets_;
    if (c == ']') --brackets_;
    if (c == '<' || c == '\0') fail("HTML texts are not read", "write a quoted text");
    if (c == ':' && brackets_ == 0) fail("ports are not read", "quote a name that holds a colon");
    if (rest.starts_with("--")) fail("the edge has no direction", "write digraph and ->");
    at_ += rest.starts_with("->") ? 2 : 1;
  }

  bool is_line_start() const { return at_ == 0 || text_[at_ - 1] == '\n'; }

  // The line break that ends a comment is left for step() to count.
  void skip_past(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    const std::size_t stop = std::min(found, text_.size());
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<long>(at_),
                                         text_.begin() + static_cast<long>(stop), '\n'));
    if (found == std::string_view::npos && end != "\n") fail("a comment does not end", "add */");
    at_ = end == "\n" ? stop : stop + end.size();
  }

  void count_word(std::size_t bytes) {
    if (bytes > kMaxWordBytes) {
      fail("a text of more than " + std::to_string(kMaxWordBytes) + " bytes", "shorten it");
    }
    if (++words_ > kMaxWords) {
      fail("more than " + std::to_string(kMaxWords) + " words", "describe a part of the cluster");
    }
  }

  void quoted() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) fail("a text in quotes does not end", "add the quote");
    count_word(end - at_);
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<long>(at_),
                                         text_.begin() + static_cast<long>(end), '\n'));
    at_ = end + 1;
  }

  void word() {
    std::size_t end = at_;
    while (end < text_.size() && is_word_character(text_[end])) ++end;
    count_word(end - at_);
    const std::string keyword = lower(text_.substr(at_, std::min<std::size_t>(end - at_, 10)));
    at_ = end;
    if (brackets_ > 0) return;
    if (keyword == "strict") fail("\"strict\" would drop parallel links", "write digraph alone");
    if (keyword == "subgraph") fail("subgraphs are not read", "list vertices and links flat");
    if (keyword == "graph" && depth_ == 0) fail("the graph has no direction", "write digraph");
    if (keyword == "node" || keyword == "edge" || keyword == "graph") {
      fail("defaults of \"" + keyword + "\" are not read", "write each vertex's and link's fields");
    }
  }

  void open_brace() {
    if (depth_ > 0) fail("subgraphs are not read", "list vertices and links flat");
    if (++graphs_ > 1) fail("a second graph", "keep one");
    ++depth_;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
  int depth_ = 0;
  int brackets_ = 0;
  int graphs_ = 0;
  int words_ = 0;
};

}  // namespace

void scan_dot(std::string_view text, const std::string& name) { DotScan(text, name).run(); }

}  // namespace moesim::topologies
