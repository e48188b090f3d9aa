// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/packed_column.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

namespace moesim::experiments {
namespace {

using base::JsonValue;

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <class Number>
JsonValue packed(const char* name, const std::vector<Number>& numbers) {
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()),
                               numbers.size() * sizeof(Number));
  JsonValue column = base::json_object();
  base::add_member(column, name, base::json_of(base64(bytes)));
  return column;
}

bool is_same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool is_float(double number) {
  return is_same(number, static_cast<double>(static_cast<float>(number)));
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const auto byte = i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U;
      three = three << 8U | byte;
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool is_padding = i + j > bytes.size();
      text += is_padding ? '=' : kDigits[three >> (18 - 6 * j) & 63U];
    }
  }
  return text;
}

JsonValue packed_numbers(const std::vector<double>& numbers, bool may_round) {
  if (numbers.empty()) return {};
  const double first = numbers.front();
  if (std::all_of(numbers.begin(), numbers.end(),
                  [first](double number) { return is_same(number, first); })) {
    return std::isfinite(first) ? base::json_of(first) : JsonValue();
  }
  if (may_round || std::all_of(numbers.begin(), numbers.end(), is_float)) {
    return packed("f4", std::vector<float>(numbers.begin(), numbers.end()));
  }
  return packed("f8", numbers);
}

JsonValue packed_counts(const std::vector<std::uint32_t>& counts) {
  if (counts.empty()) return {};
  if (std::all_of(counts.begin(), counts.end(),
                  [&](std::uint32_t count) { return count == counts.front(); })) {
    return base::json_of(std::int64_t{counts.front()});
  }
  return packed("u4", counts);
}

JsonValue packed_values(const std::vector<JsonValue>& values) {
  JsonValue different = base::json_array();
  std::vector<std::uint32_t> rows;
  std::map<std::string, std::uint32_t> places;
  for (const JsonValue& value : values) {
    const auto next = static_cast<std::uint32_t>(places.size());
    const auto [found, is_new] =
        places.emplace(base::to_text(value, base::JsonStyle::compact), next);
    if (is_new) different.items.push_back(value);
    rows.push_back(found->second);
  }
  JsonValue column = base::json_object();
  base::add_member(column, "values", std::move(different));
  base::add_member(column, "rows", packed_counts(rows));
  return column;
}

}  // namespace moesim::experiments
