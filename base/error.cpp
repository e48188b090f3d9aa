// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <numeric>

namespace moesim::base {
namespace {

std::string render(const std::string& where, const std::string& what, const std::string& hint) {
  std::string text = where.empty() ? what : where + "\n  " + what;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

// Levenshtein distance, two rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row[b.size()];
}

}  // namespace

Error::Error(std::string where, std::string what, std::string hint)
    : std::runtime_error(render(where, what, hint)),
      where_(std::move(where)),
      message_(std::move(what)),
      hint_(std::move(hint)) {}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  // Longer words cannot be near anything we know; this also bounds the work on hostile input.
  if (word.size() > 100) return {};
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  const std::string* nearest = nullptr;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? std::string{} : "did you mean \"" + *nearest + "\"?";
}

}  // namespace moesim::base
